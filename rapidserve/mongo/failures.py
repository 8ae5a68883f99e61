"""What pymongo raises, in Django's words, so that one set of handlers serves both databases."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, IntegrityError, OperationalError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
)

TRANSIENT = "TransientTransactionError"
"""The server's label on a transaction that did nothing and may be tried again."""
UNKNOWN = "UnknownTransactionCommitResult"
"""The label on a commit that may have happened."""
DUPLICATE_KEY = 11000
INTERRUPTED = {50, 89, 91, 11600, 11602, 10107, 13435, 13436, 189, 262}
"""Codes of a server that shuts down, steps down or ran out of time; the mending is to try again.
From MongoDB's error codes (src/mongo/base/error_codes.yml)."""


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn pymongo's errors into Django's.

    IntegrityError: a unique index refused. OperationalError: the server was away, or, with "busy"
    in its text, another writer came between and the transaction may run again. DatabaseError: a
    mistake of ours.
    """
    try:
        yield
    except PyMongoError as error:
        raise _translated(error) from error
    except DatabaseError as error:  # the backend's own translation, which tells less apart
        cause = error.__cause__
        if not isinstance(cause, PyMongoError):
            raise
        raise _translated(cause) from cause


def _translated(error: PyMongoError) -> DatabaseError:
    if error.has_error_label(TRANSIENT):
        return OperationalError(f"busy: {error}")
    if isinstance(error, DuplicateKeyError) or _is_duplicate(error):
        return IntegrityError(str(error))
    if isinstance(error, ConnectionFailure | ExecutionTimeout) or _is_interrupted(error):
        return OperationalError(_short(error))
    return DatabaseError(str(error))


def _short(error: PyMongoError) -> str:
    """Which servers did not answer and why, without all that is known of each."""
    return str(error).partition(" (configured timeouts")[0].partition(", Timeout:")[0]


def _is_duplicate(error: PyMongoError) -> bool:
    if not isinstance(error, BulkWriteError):
        return False
    written = (error.details or {}).get("writeErrors", [])
    return any(each.get("code") == DUPLICATE_KEY for each in written)


def _is_interrupted(error: PyMongoError) -> bool:
    return isinstance(error, OperationFailure) and error.code in INTERRUPTED
