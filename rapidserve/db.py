"""The one door to the database: transactions, compare-and-set, queries that are written once, and
the primary key every model has.

Nobody else may import Django's own `transaction.atomic`: a transaction that lost against another
writer must be run again, which is what `run_atomic` is for. That it is a transaction on MongoDB too
is the work of rapidserve.mongo.
"""

import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    IntegrityError,
    OperationalError,
    connection,
    connections,
    models,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from rapidserve.errors import Unavailable

T = TypeVar("T")
Row = TypeVar("Row")

PATIENCE_SECONDS = 15
"""How long a transaction is tried again; each try may wait for the database's own timeout."""
ATTEMPTS = 40
COLLISIONS = 3
"""Times a broken constraint is taken for a race. One that stays is a mistake of ours."""


_thread = threading.local()
_turn = threading.Lock()
"""Held by the one of this process's threads that runs a transaction which has lost before."""


def new_id() -> uuid.UUID:
    """A time-ordered UUID (RFC 9562, version 7): new rows land side by side in the key's index.

    Fully random keys would touch a different index page for each of the thousands of rows that
    one large upload inserts.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def current_time() -> datetime:
    """Now, in whole milliseconds: what MongoDB stores. A finer time would come back as another, and
    a page that continues behind it would leave rows out."""
    now = timezone.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class UUIDModel(models.Model):
    """Base of every model. `_id` is MongoDB's own key: another name would be a second index."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False, db_column="_id")

    class Meta:
        abstract = True


def atomic() -> AbstractContextManager[Any]:
    """A transaction. Errors must leave the block: there are no savepoints to fall back to."""
    return transaction.atomic()


def on_commit(action: Callable[[], object]) -> None:
    """Run `action` once the surrounding transaction is durable; at once outside of one."""
    transaction.on_commit(action)


def ping() -> None:
    """Ask whether the database is there, and such that we can work with it.

    Raises DatabaseError, or ImproperlyConfigured for a MongoDB that can't have transactions.
    """
    connection.ensure_connection()
    if not connection.is_usable():
        raise OperationalError("The database does not answer.")


def run_atomic(function: Callable[[], T]) -> T:
    """Run `function` in a transaction, again when another writer came between.

    `function` must be re-runnable: it may have run in part, and been rolled back, before. A broken
    unique constraint means that somebody inserted between our check and our insert; the second run
    sees their row and answers as if it had always been there. Inside a transaction it just runs:
    only the outermost can be run again.
    MongoDB lets the loser of a write conflict fail at once, so hundreds at one row would fail one
    another for seconds. Who has lost waits for his turn among this process's losers.
    Raises Unavailable when the database stays busy.
    """
    with _deciding():
        return _run_atomic(function)


def is_deciding() -> bool:
    """Whether this thread is inside of `run_atomic`: what it reads decides what is written, so it
    must come from the database."""
    return getattr(_thread, "deciding", False)


@contextmanager
def _deciding() -> Iterator[None]:
    before, _thread.deciding = is_deciding(), True
    try:
        yield
    finally:
        _thread.deciding = before


def _run_atomic(function: Callable[[], T]) -> T:
    if connection.in_atomic_block:
        with atomic():
            return function()
    deadline = time.monotonic() + PATIENCE_SECONDS
    with ExitStack() as turn:
        for attempt in range(ATTEMPTS):
            try:
                with atomic():
                    return function()
            except IntegrityError:
                if attempt >= COLLISIONS:
                    raise
            except OperationalError as error:
                if not _is_transient(error):
                    raise
                if time.monotonic() > deadline:
                    break
                if attempt == 0:
                    _wait_for_turn(turn, deadline)
                time.sleep(random.random() * min(0.01 * 2**attempt, 0.5))  # noqa: S311 - jitter
    raise Unavailable("The server is busy. Try again in a moment.", retry_after=1)


def _wait_for_turn(turn: ExitStack, deadline: float) -> None:
    if _turn.acquire(timeout=max(0, deadline - time.monotonic())):
        turn.callback(_turn.release)


def _is_transient(error: DatabaseError) -> bool:
    return "locked" in str(error) or "busy" in str(error)


@contextmanager
def unchecked_references() -> Iterator[None]:
    """For filling an empty database: rows may come before those that they refer to.

    Outside of transactions. When the block is left without an error, IntegrityError for a row that
    refers to nothing; MongoDB never looks.
    """
    with connection.constraint_checks_disabled():
        yield
    connection.check_constraints()


def flagged(**flags: bool) -> models.Q:
    """`filter(flagged(live=True))`: what `filter(live=True)` means, in the words of an index.

    Django writes the latter as a bare `live`, which SQLite does not look up: a list that is sorted
    by an index with `live` in it would be read whole and sorted for every page.
    """
    return models.Q(**{f"{name}__in": [value] for name, value in flags.items()})


def update_if(queryset: models.QuerySet[Any], **values: Any) -> bool:
    """Compare-and-set: change the one row that still matches. False when nothing matched any more.

    Concurrency control rests on this: `select_for_update` is silently nothing on both databases.
    """
    return queryset.update(**values) == 1


class Prepared(Generic[Row]):
    """A query that Django turns into SQL once, and not for each answer.

    Turning it takes 0.3 to 1.5 ms, ten times what SQLite takes to run it: of a small file's
    download that was nearly all. So what every download asks is asked with these. Nothing is
    remembered but the text: each call asks the database, inside the caller's transaction if there
    is one, and gives what the query itself would.

    `build` gets one argument for each of `fields` and makes the query of them; a call gets their
    values. An argument may be the right side of a lookup, or one of the list of an `__in`, which
    must have some: without any there is no SQL to write.
    """

    def __init__(
        self, build: Callable[..., models.QuerySet[Any, Row]], *fields: "models.Field[Any, Any]"
    ) -> None:
        self._build = build
        self._fields = fields

    def __call__(self, *values: object) -> list[Row]:
        here = connections[DEFAULT_DB_ALIAS]  # each thread has its own
        pairs = list(zip(self._fields, values, strict=True))
        if here.vendor == "mongodb":  # no text to keep: what it is asked are values
            return list(self._build(*values))
        stored = [field.get_db_prep_value(value, here) for field, value in pairs]
        queryset, written = self._written
        asked = queryset.all()
        compiler = written.bound(stored, here)
        vars(asked.query).update(get_compiler=lambda *_, **__: compiler)
        return list(asked)

    @cached_property
    def _written(self) -> tuple[models.QuerySet[Any, Row], "_Written"]:
        queryset = self._build(*(_Parameter(*pair) for pair in enumerate(self._fields)))
        # Never opened: what is kept for good must not keep some thread's connection.
        nobodys = connections.create_connection(DEFAULT_DB_ALIAS)
        return queryset, _Written(queryset.query.get_compiler(connection=nobodys))


class _Written:
    """What Django's compiler found out about a query; `bound` makes compilers that know it."""

    def __init__(self, compiler: SQLCompiler) -> None:
        self._compiler = compiler
        self._sql, self._parameters = compiler.as_sql()
        columns = [column for column, *_ in compiler.select[: compiler.col_count]]
        self._converters = compiler.get_converters(columns)

    def bound(self, values: list[Any], connection: BaseDatabaseWrapper) -> SQLCompiler:
        parameters = tuple(
            values[each.place] if isinstance(each, _Parameter) else each
            for each in self._parameters
        )
        compiler = copy(self._compiler)
        vars(compiler).update(
            connection=connection,
            as_sql=lambda: (self._sql, parameters),
            get_converters=lambda _: self._converters,
        )
        return compiler


class _Parameter(models.Expression):
    """Stands in a query for the value at `place` of a call, and comes out among its parameters."""

    def __init__(self, place: int, field: "models.Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.place = place

    def as_sql(self, *_: Any, **__: Any) -> Any:
        return "%s", (self,)
