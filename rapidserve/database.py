"""From `RAPIDSERVE_DATABASE_URL` to Django's `DATABASES`: SQLite in a file, or MongoDB. Pure.

What protects data is decided here and can't be turned off in the address; waiting times can be set.
"""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from rapidserve.env import SettingError

NAME = "RAPIDSERVE_DATABASE_URL"
SECONDS = 1000

# An acknowledged write has reached the disks of a majority; what is read can't be rolled back any
# more. With less, a failover takes back what somebody was told is stored.
MONGODB_PROMISES: dict[str, Any] = {
    "w": "majority",
    "journal": True,
    "readConcernLevel": "majority",
    "readPreference": "primary",
    "retryWrites": True,
    "retryReads": True,
}
# Without these a server that hangs would hold each of our threads for good.
MONGODB_PATIENCE = {
    "serverSelectionTimeoutMS": 10 * SECONDS,
    "connectTimeoutMS": 5 * SECONDS,
    "socketTimeoutMS": 60 * SECONDS,
    "waitQueueTimeoutMS": 10 * SECONDS,
    "maxPoolSize": 100,
}
MONGODB_SCHEMES = {"mongodb", "mongodb+srv"}


def is_mongodb(address: str) -> bool:
    return address.partition("://")[0] in MONGODB_SCHEMES


def database(address: str) -> dict[str, Any]:
    """Django's entry for a database. Raises SettingError; its text never shows a password."""
    return _mongodb(address) if is_mongodb(address) else _sqlite(address)


def _sqlite(address: str) -> dict[str, Any]:
    try:
        parts = urlsplit(address)
    except ValueError:
        raise SettingError(f"{NAME} is not a URL.") from None
    if parts.scheme != "sqlite" or parts.netloc or parts.path in {"", "/"}:
        raise SettingError(
            f"{NAME} must look like sqlite:////absolute/path.sqlite3"
            " or mongodb://host:27017/name?replicaSet=rs0."
        )
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "/" + unquote(parts.path).lstrip("/"),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # IMMEDIATE: a transaction that will write says so first, so that two of them queue
            # instead of one failing in the middle. FULL: what was acknowledged survives a power
            # cut.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }


def _mongodb(address: str) -> dict[str, Any]:
    try:
        parts = urlsplit(address)
        asked = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise SettingError(f"{NAME} is not a URL.") from None
    name = unquote(parts.path.lstrip("/"))
    if not parts.netloc or not name or set(name) & set('/\\. "$*<>:|?'):
        raise SettingError(
            f"{NAME} must name servers and a database, as in"
            " mongodb://host:27017/rapidserve?replicaSet=rs0."
        )
    _refuse_weaker(asked)
    return {
        "ENGINE": "rapidserve.mongo",
        "HOST": address,
        "NAME": name,
        "CONN_MAX_AGE": None,
        "OPTIONS": MONGODB_PROMISES
        | {"appname": "rapidserve"}
        | {key: value for key, value in MONGODB_PATIENCE.items() if not _has(asked, key)},
    }


def _refuse_weaker(asked: dict[str, str]) -> None:
    for key in MONGODB_PROMISES:
        if _has(asked, key):
            raise SettingError(
                f"{NAME} must not set {key}: what keeps acknowledged files is not a setting."
            )


def _has(asked: dict[str, str], key: str) -> bool:
    return key.lower() in {name.lower() for name in asked}
