"""The database of a server that a test starts: a file in its home, or one of its own on MongoDB."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from pymongo import MongoClient

from tests.engines.undo import ON_MONGODB


def environment_of(home: str) -> dict[str, str]:
    """What tells a server with this home which database is its own."""
    if not ON_MONGODB:
        return {}
    parts = urlsplit(settings.DATABASE_URL)
    return {"RAPIDSERVE_DATABASE_URL": parts._replace(path=f"/{_name(home)}").geturl()}


def lose_database(home: Path) -> None:
    """As if its disk had failed."""
    if ON_MONGODB:
        with MongoClient[Any](settings.DATABASE_URL) as client:
            client.drop_database(_name(str(home)))
    for file in home.glob("rapidserve.sqlite3*"):
        file.unlink()


def _name(home: str) -> str:
    return f"e2e_{hashlib.sha256(home.encode()).hexdigest()[:20]}"
