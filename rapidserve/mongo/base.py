"""`ENGINE = "rapidserve.mongo"`: Django's own transactions, for real, on MongoDB.

With the backend alone `django.db.transaction.atomic` does nothing, and its own `atomic` is another
one, which the code of Django, of libraries and of tests never calls. Here the hooks that Django's
calls (`_set_autocommit`, `_commit`, `_rollback`) run a transaction of MongoDB
(https://www.mongodb.com/docs/manual/core/transactions/), so there is only one.
"""

import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Index
from django.db.models.fields.tuple_lookups import TupleIn
from django_mongodb_backend import base, features, operations
from pymongo import ReadPreference
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from rapidserve.mongo.failures import UNKNOWN, database_errors
from rapidserve.mongo.indexes import usable_index_model
from rapidserve.mongo.lookups import as_plain_in

COMMIT_SECONDS = 15
"""How long an answer to a commit is asked for: an election takes up to 12 seconds."""

# Django finds no other door to these two.
Index.get_pymongo_index_model = usable_index_model  # type: ignore[attr-defined]
TupleIn.as_mql = as_plain_in  # type: ignore[attr-defined]


class DatabaseFeatures(features.DatabaseFeatures):
    supports_transactions = True


class DatabaseOperations(operations.DatabaseOperations):
    compiler_module = "rapidserve.mongo.compiler"


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations

    # The backend's versions know only its own `atomic`.
    on_commit = BaseDatabaseWrapper.on_commit
    set_autocommit = BaseDatabaseWrapper.set_autocommit
    close = BaseDatabaseWrapper.close

    def connect(self) -> None:
        with database_errors():
            super().connect()
            self.ping()

    def ping(self) -> None:
        """Raises OperationalError when the server is away, ImproperlyConfigured when it is one that
        can't have transactions."""
        with database_errors():
            hello = self.connection.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise ImproperlyConfigured(
                "The MongoDB server is not a member of a replica set, so it has no transactions."
                " A set of one is enough: start it with --replSet rs0 and run rs.initiate()."
            )

    def is_usable(self) -> bool:
        try:
            self.ping()
        except DatabaseError:
            return False
        return True

    def _set_autocommit(self, autocommit: bool) -> None:  # noqa: FBT001 - Django's signature
        if autocommit:
            self._end_session()
        else:
            self._begin()

    def _begin(self) -> None:
        with database_errors():
            self.session = self.connection.start_session()
            self.session.start_transaction(
                # One moment's state, on disks of a majority, for all of its reads.
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", j=True),
                read_preference=ReadPreference.PRIMARY,
            )

    def _commit(self) -> None:
        if self.session is not None:
            _commit_until_known(self.session)

    def _rollback(self) -> None:
        if self.session is not None and self.session.in_transaction:
            with database_errors():
                self.session.abort_transaction()

    def _close(self) -> None:
        self._end_session()

    def _end_session(self) -> None:
        """Ends a transaction that is open, too."""
        session, self.session = self.session, None
        if session is not None:
            with database_errors():
                session.end_session()


def _commit_until_known(session: Any) -> None:
    """Commit, asking again while nobody can say whether it happened; asking again is harmless.

    Raises OperationalError: "busy" when it did not happen and may be tried again; another text when
    it stays unknown, and running the transaction again could do everything twice.
    """
    deadline = time.monotonic() + COMMIT_SECONDS
    while True:
        try:
            session.commit_transaction()
        except PyMongoError as error:
            if not error.has_error_label(UNKNOWN):
                with database_errors():
                    raise
            if time.monotonic() > deadline:
                raise OperationalError(f"Whether it was stored is not known: {error}") from error
            time.sleep(0.1)
        else:
            return
