"""How a test's data goes away. On SQLite a transaction around the test is rolled back. On MongoDB
that would hide what a transaction is there (no savepoints, an end after a minute), so tests run
without one, and the collections they wrote to are emptied.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Model
from django.test import TestCase, TransactionTestCase

from accounts.receivers import keep_roles_in_step

T = TypeVar("T")
ON_MONGODB: bool = settings.ON_MONGODB
WRITES = {"insert", "update", "delete", "findAndModify"}
ROLES = {"auth_group", "auth_group_permissions"}
KEPT = {"django_migrations", "django_content_type", "auth_permission"}

_written: set[str] = set()
_standing: dict[str, list[Any]] = {}


def install() -> None:
    """Called once, before the first test."""
    if not ON_MONGODB:
        return
    from tests.engines.commands import hearers  # noqa: PLC0415 - listens from its import on

    hearers.append(_note)
    TestCase._databases_support_transactions = classmethod(lambda _: False)
    TransactionTestCase._fixture_teardown = lambda _: wipe()


def wipe() -> None:
    """Bring what was written to since the last time back to what `migrate` left, or `standing`."""
    database = connection.database
    groups_too = not _written.isdisjoint(ROLES)
    while _written:
        name = _written.pop()
        if name not in KEPT:
            database[name].delete_many({})
            if documents := _standing.get(name):
                database[name].insert_many(documents)
            _written.discard(name)
    ContentType.objects.clear_cache()
    if groups_too:
        keep_roles_in_step(sender=list(apps.get_app_configs())[-1])
        _written.difference_update(ROLES)


@contextmanager
def standing(make: Callable[[], T]) -> Iterator[T]:
    """What `make` writes stands for the whole block: tests within it start from there."""
    if not ON_MONGODB:
        with rolled_back():  # tests within roll back to a savepoint
            yield make()
        return
    wipe()
    made = make()
    database = connection.database
    # With the groups of the roles: those who stand have their roles by the keys of these.
    names = (_written | ROLES) - KEPT
    _standing.update({name: list(database[name].find()) for name in names})
    _written.clear()
    try:
        yield made
    finally:
        _written.update(_standing)
        _standing.clear()
        wipe()


@contextmanager
def rolled_back() -> Iterator[None]:
    """A block within a test that leaves nothing behind: one example out of many."""
    if ON_MONGODB:
        wipe()
        try:
            yield
        finally:
            wipe()
        return
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


@contextmanager
def without_constraint(model: type[Model], name: str) -> Iterator[None]:
    """A block in which rows may break a unique constraint. They are gone after it."""
    [constraint] = [each for each in model._meta.constraints if each.name == name]
    if not ON_MONGODB:
        with connection.cursor() as cursor:  # the rollback brings it back
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
        yield
        return
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, constraint)
    try:
        yield
    finally:
        wipe()
        with connection.schema_editor() as editor:
            editor.add_constraint(model, constraint)


def _note(event: Any) -> None:
    if event.command_name in WRITES:
        _written.add(event.command[event.command_name])
