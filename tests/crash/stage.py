"""Runs real functions side by side, one database statement at a time, in an order a test chooses.

Every actor is a thread, but only one of them runs at any moment: it goes on until it is about to
send a statement outside of a transaction, to begin a transaction, or to touch a node, and then
hands the stage back. Transactions run in one piece, as they would look to others anyway. On SQLite
all share the test's connection, on MongoDB each has one of its own. Nothing here depends on timing,
and a failing order can be replayed.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType

import pytest
from django.db import connection, connections

from files.chunkstore import registry
from files.chunkstore.backends.memory import MemoryBackend
from files.chunkstore.config import parse_nodes
from files.chunkstore.metered import Metered
from files.chunkstore.registry import Node
from rapidserve.errors import RapidServeError
from tests.engines.undo import ON_MONGODB

PATIENCE = 60


class Killed(BaseException):
    """The process of this actor is gone: no statement of it reaches the database any more."""


class Actor:
    """One function under way. `answer` is what it returned, `error` what it answered instead."""

    def __init__(self, stage: "Stage", title: str, function: Callable[[], object]) -> None:
        self.title = title
        self.answer: object = None
        self.error: RapidServeError | None = None
        self.failure: BaseException | None = None
        self.ended = False
        self.killed = False
        self._stage = stage
        self._function = function
        self._turn = threading.Semaphore(0)
        self.thread = threading.Thread(target=self._run, name=title, daemon=True)
        self.thread.start()

    def step(self) -> None:
        """Up to its next statement, or to its end. What went wrong in it is raised here."""
        if self.ended:
            return
        self._turn.release()
        assert self._stage.free.acquire(timeout=PATIENCE), f"{self.title} hangs"
        if self.failure is not None:
            raise self.failure

    def go(self, steps: int | None) -> int:
        """So many steps, or to the end. How many there were."""
        taken = 0
        while not self.ended and taken != steps:
            self.step()
            taken += 1
        return taken

    def kill(self) -> None:
        """As kill -9: no handler of it can do anything to the database."""
        self.killed = True
        self.go(None)

    def pause(self) -> None:
        if self.killed:
            raise Killed
        self._stage.free.release()
        self._turn.acquire()
        if self.killed:
            raise Killed

    def _run(self) -> None:
        if not ON_MONGODB:
            connections["default"] = self._stage.connection
        self._turn.acquire()
        try:
            if not self.killed:
                self.answer = self._function()
        except Killed:
            pass
        except RapidServeError as error:
            self.error = error
        except BaseException as error:  # noqa: BLE001 - told to the test's thread by `step`
            self.failure = error
        finally:
            if ON_MONGODB:
                connections.close_all()
            self.ended = True
            self._stage.free.release()


class Stage:
    def __init__(self) -> None:
        self.free = threading.Semaphore(0)
        self.connection = connections["default"]
        self.node = _SteppedBackend(self)
        self._outside = len(self.connection.savepoint_ids)
        self._actors: dict[threading.Thread, Actor] = {}

    @property
    def playing(self) -> list[Actor]:
        return [actor for actor in self._actors.values() if not actor.ended]

    def enter(self, title: str, function: Callable[[], object]) -> Actor:
        actor = Actor(self, title, function)
        self._actors[actor.thread] = actor
        return actor

    def pause(self) -> None:
        """The current thread's turn ends here, unless it is the test's own or in a transaction."""
        actor = self._actors.get(threading.current_thread())
        if actor is not None and self._is_outside():
            actor.pause()

    def _is_outside(self) -> bool:
        """Of a transaction, but for the one that on SQLite is around the test."""
        if ON_MONGODB:
            return not connections["default"].in_atomic_block
        return len(self.connection.savepoint_ids) == self._outside

    def before_statement(self, execute, sql, params, many, context):
        # The end of a transaction belongs to it: what others did meanwhile would be undone with it.
        if not sql.startswith(("RELEASE", "ROLLBACK")):
            self.pause()
        return execute(sql, params, many, context)


@contextmanager
def _stepped_statements(stage: Stage) -> Iterator[None]:
    """Every statement outside of a transaction, and every begin of one, is a step."""
    if not ON_MONGODB:
        with connection.execute_wrapper(stage.before_statement):
            yield
        return
    from rapidserve.mongo.base import DatabaseWrapper  # noqa: PLC0415 - not there on SQLite
    from rapidserve.mongo.compiler import _Guarded  # noqa: PLC0415 - likewise

    def stepping(function: Callable[..., object]) -> Callable[..., object]:
        def stepped(*args: object, **options: object) -> object:
            stage.pause()
            return function(*args, **options)

        return stepped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Guarded, "execute_sql", stepping(_Guarded.execute_sql))
        begin = stepping(DatabaseWrapper._begin)
        patch.setattr(DatabaseWrapper, "_begin", begin)
        yield


@contextmanager
def open_stage() -> Iterator[Stage]:
    """A stage with one node, in memory. The caller takes back what happens on it."""
    stage = Stage()
    [config] = parse_nodes("main=file:///in-memory?seal=off")
    registry._built["nodes"] = MappingProxyType({"main": Node(config, Metered(stage.node))})
    connection.inc_thread_sharing()
    try:
        with _stepped_statements(stage):
            yield stage
            for actor in stage.playing:
                actor.kill()
    finally:
        connection.dec_thread_sharing()
        registry.reset()


class _SteppedBackend(MemoryBackend):
    """A node whose every call is a step of its own."""

    def __init__(self, stage: Stage) -> None:
        super().__init__("main")
        self._stage = stage

    def writer(self, key, *, size, sha256):
        self._stage.pause()
        return super().writer(key, size=size, sha256=sha256)

    def stat(self, key):
        self._stage.pause()
        return super().stat(key)

    def delete(self, key):
        self._stage.pause()
        super().delete(key)
