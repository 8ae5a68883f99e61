"""System checks: what `manage.py check` and `manage.py serve` refuse to run with.

Values that can't be meant at all (a port "abc") are refused by rapidserve.env when the settings
are read. Here is what only shows beside the disk and the database.
"""

import ipaddress
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from files.chunkstore import registry
from files.chunkstore.config import parse_nodes
from files.chunkstore.errors import (
    ChunkAbsent,
    ChunkDamaged,
    ChunkStoreError,
    KeyMissing,
    NodeFull,
)
from files.models import Node
from rapidserve import db, keys
from rapidserve.env import SettingError


@register(Tags.security)
def check_keys(**_: Any) -> list[CheckMessage]:
    """An installation with data and without its keys. New keys would not open a single chunk."""
    missing = keys.missing_key_files(settings.HOME)
    if not missing or not _has_data():
        return []
    names = " and ".join(str(file) for file in missing)
    return [
        Error(
            f"The key file {names} is gone, but there is data that needs it."
            " Put it back from your backup; a new key could not read anything.",
            id="files.E001",
        )
    ]


@register()
def check_address(**_: Any) -> list[CheckMessage]:
    try:
        ipaddress.ip_address(settings.BIND)
    except ValueError:
        return [
            Error(
                "RAPIDSERVE_BIND must be an IP address to listen at, such as 127.0.0.1 or 0.0.0.0,"
                f" not {settings.BIND[:40]!r}.",
                id="files.E002",
            )
        ]
    return []


@register()
def check_nodes(**_: Any) -> list[CheckMessage]:
    """Nodes that can't be meant, and nodes set up before whose directory is not theirs any more."""
    try:
        configured = parse_nodes(settings.NODES)
    except SettingError as error:
        return [Error(str(error), id="files.E003")]
    known = _known_nodes()
    problems = [_node_problem(node.name) for node in configured if node.name in known]
    return [problem for problem in problems if problem is not None]


def _node_problem(name: str) -> CheckMessage | None:
    try:
        registry.node(name).check()
        _open_one(name)
    except SettingError as error:
        return Error(str(error), id="files.E003")
    except NodeFull:
        return None  # reading, verifying and making room go on; writing says so by itself
    except KeyMissing as error:
        return Error(
            f"Node {name} is sealed under a master key that is not in the ring: {error}"
            " Put the key back; without it no file can be read.",
            id="files.E005",
        )
    except ChunkStoreError as error:
        return Error(
            f"Node {name} can't be used: {error} Is its disk mounted?"
            f" `manage.py setup_node {name}` prepares a new disk in its place.",
            id="files.E004",
        )
    return None


def _open_one(name: str) -> None:
    """KeyMissing when a sealed chunk of the node can't be opened: before anything is written under
    another key. Other trouble with that one chunk is not the settings' fault."""
    backend = registry.node(name)
    stored = next(backend.list(), None)
    if stored is not None and stored.size:
        with suppress(ChunkAbsent, ChunkDamaged), closing(backend.read(stored.key, 0, 1)) as blocks:
            next(blocks)


@register()
def check_database(**_: Any) -> list[CheckMessage]:
    """A MongoDB that does not answer, or has no transactions. SQLite's file may be yet to come."""
    if not settings.ON_MONGODB:
        return []
    try:
        db.ping()
    except (DatabaseError, ImproperlyConfigured) as error:
        return [Error(f"The database can't be used: {error}", id="files.E006")]
    return []


def _known_nodes() -> set[str]:
    """The nodes this installation has set up; none before the first `migrate`."""
    if not settings.ON_MONGODB and not _database_file().exists():
        return set()  # asking would create the file
    try:
        return set(Node.objects.values_list("name", flat=True))
    except DatabaseError:
        return set()


def _has_data() -> bool:
    if _has_rows():
        return True
    try:
        nodes = parse_nodes(settings.NODES)
    except SettingError:
        return False  # check_nodes says so
    directories = [node.place for node in nodes if isinstance(node.place, Path)]
    return any(directory.is_dir() and any(directory.iterdir()) for directory in directories)


def _has_rows() -> bool:
    if settings.ON_MONGODB:
        return bool(_known_nodes())
    database = _database_file()
    return database.exists() and database.stat().st_size > 0


def _database_file() -> Path:
    return Path(str(settings.DATABASES["default"]["NAME"]))
