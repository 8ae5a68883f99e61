"""The two-level cache: the memory of this process, and behind it Redis where there is one.

What is kept, under which name, in which layout and how long is declared here and nowhere else. Only
what never changes, or is looked up again by whoever finds it outdated, may be kept: nobody is told
when it changes. Rights, tokens and sessions are not here (docs/adr/0017-what-is-cached.md).

Redis makes things faster and is never needed. What it can't give at once is a miss; while it fails
nobody waits for it; and what it gives is believed only when it carries our own seal, so that
neither garbage nor another installation's rows are served.
"""

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from cachetools import LRUCache
from django.conf import settings
from django.core.cache import BaseCache, caches
from django_redis.serializers.base import BaseSerializer
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

log = logging.getLogger(__name__)

Key = tuple[UUID | int, ...]
Value = TypeVar("Value")
T = TypeVar("T")

# -- what is kept --------------------------------------------------------------------------------

DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that is kept. `layout` counts up when the form of its values changes: servers of
    two releases may share a Redis. `held`: how much of it a process keeps in its memory;
    `seconds`: how long Redis keeps each.
    """

    name: str
    layout: int
    held: int
    seconds: int

    def name_of(self, key: Key) -> str:
        return ":".join([self.name, str(self.layout), *map(str, key)])


VERSIONS: Final = Kind("versions", layout=1, held=10_000, seconds=DAY)
"""Facts of committed versions, by id. They never change."""

EXTENT_PAGES: Final = Kind("extents", layout=1, held=25_600, seconds=DAY)
"""Pages of a committed version's extents, by its id and their number; `held` counts extents. Where
the copies are may change: a read that finds one gone asks the database, and puts the answer here.
"""

# -- Redis ---------------------------------------------------------------------------------------

ALIAS: Final = "shared"
PATIENCE_SECONDS: Final = 0.2
REST_SECONDS: Final = 5.0
"""After a failure nobody asks Redis for so long; then one does, on behalf of all."""
QUIET_SECONDS: Final = 60.0
"""At most one line about a failure in so long."""
SEAL_BYTES: Final = 16


class Plain(BaseSerializer):
    """Bytes as they are: what is kept is sealed JSON, made here. Never pickle, which would run what
    somebody else put into Redis."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, value: bytes) -> bytes:
        return value


def configured(redis_url: str | None) -> dict[str, dict[str, Any]]:
    """CACHES for this address. "default", which Django's own parts would use, stays in memory: none
    of them bears a Redis that is away."""
    memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if not redis_url:
        return {"default": memory}
    shared = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis_url,
        "KEY_PREFIX": "rapidserve",
        "OPTIONS": {
            "SERIALIZER": f"{__name__}.{Plain.__name__}",
            "SOCKET_CONNECT_TIMEOUT": PATIENCE_SECONDS,
            "SOCKET_TIMEOUT": PATIENCE_SECONDS,
            # By itself the client would try again and again, and wait in between.
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
        },
    }
    return {"default": memory, ALIAS: shared}


class Shared:
    """Bytes in Redis by name. Nothing is ever raised: what can't be had is None, and what can't be
    kept is not kept."""

    def __init__(
        self, backend: BaseCache | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._lock = threading.Lock()
        self._failing = False
        self._rests_until = float("-inf")
        self._quiet_until = float("-inf")

    @property
    def is_there(self) -> bool:
        """Whether the settings name a Redis; not whether it answers."""
        return self._backend is not None

    def get(self, name: str) -> bytes | None:
        found = self._ask(lambda backend: backend.get(name))
        return found if isinstance(found, bytes) else None  # django-redis makes numbers of digits

    def put(self, name: str, value: bytes, seconds: int) -> None:
        self._ask(lambda backend: backend.set(name, value, seconds))

    def forget(self, name: str) -> None:
        self._ask(lambda backend: backend.delete(name))

    def _ask(self, question: Callable[[BaseCache], T]) -> T | None:
        if self._backend is None or not self._may_ask():
            return None
        try:
            answer = question(self._backend)
        except ResponseError as error:  # it is there, and refuses this: no memory, another type
            self._complain("Redis refuses what the cache asks: %s", error)
            return None
        except (RedisError, OSError) as error:
            self._rest(error)
            return None
        if self._failing:
            self._recover()
        return answer

    def _may_ask(self) -> bool:
        if not self._failing:
            return True
        with self._lock:
            now = self._clock()
            if now < self._rests_until:
                return False
            self._rests_until = now + REST_SECONDS  # whoever comes meanwhile does without
            return True

    def _rest(self, error: Exception) -> None:
        with self._lock:
            self._failing = True
            self._rests_until = self._clock() + REST_SECONDS
        self._complain("Redis is away, and the cache goes on without it: %s", error)

    def _recover(self) -> None:
        with self._lock:
            if not self._failing:
                return
            self._failing = False
        log.info("Redis answers the cache again.")

    def _complain(self, text: str, error: Exception) -> None:
        with self._lock:
            now = self._clock()
            if now < self._quiet_until:
                return
            self._quiet_until = now + QUIET_SECONDS
        log.warning(text, error)


@cache
def shared() -> Shared:
    """One for the process, on whatever thread. Connects when it is first asked."""
    return Shared(caches.create_connection(ALIAS) if ALIAS in settings.CACHES else None)


# -- both levels ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hits:
    """How often a level was asked since the process started, and had the answer."""

    kind: str
    level: str
    asked: int
    hits: int

    @property
    def percent(self) -> int:
        return round(100 * self.hits / self.asked) if self.asked else 0


class TwoLevel(Generic[Value]):
    """Values of one kind by key. `to_json` and `from_json` are inverse; `weight`: how much of the
    kind's `held` a value takes."""

    def __init__(
        self,
        kind: Kind,
        *,
        to_json: Callable[[Value], Any],
        from_json: Callable[[Any], Value],
        weight: Callable[[Value], int] = lambda _: 1,
    ) -> None:
        self._kind = kind
        self._to_json = to_json
        self._from_json = from_json
        self._lock = threading.Lock()
        self._held: LRUCache[Key, Value] = LRUCache(maxsize=kind.held, getsizeof=weight)
        self._hits = dict.fromkeys(("memory", "redis"), 0)
        self._misses = dict.fromkeys(("memory", "redis"), 0)

    def held(self, key: Key) -> Value | None:
        """From the memory alone: never waits. One who gets nothing asks `get` next, which counts
        the miss."""
        with self._lock:
            value = self._held.get(key)
            if value is not None:
                self._hits["memory"] += 1
            return value

    def get(self, key: Key) -> Value | None:
        """From the memory, or from Redis. May wait for it, so not for the event loop."""
        value = self.held(key)
        if value is not None:
            return value
        value = self._from_redis(self._kind.name_of(key)) if shared().is_there else None
        with self._lock:
            self._misses["memory"] += 1
            if shared().is_there:
                (self._misses if value is None else self._hits)["redis"] += 1
            if value is not None:
                self._held[key] = value
        return value

    def put(self, key: Key, value: Value) -> None:
        """Into both levels, in place of what was there."""
        with self._lock:
            self._held[key] = value
        if shared().is_there:
            name = self._kind.name_of(key)
            content = json.dumps(self._to_json(value), separators=(",", ":")).encode()
            shared().put(name, _seal(name, content) + content, self._kind.seconds)

    def forget(self, key: Key) -> None:
        """In both levels. Other processes may hold it on."""
        with self._lock:
            self._held.pop(key, None)
        shared().forget(self._kind.name_of(key))

    def forget_held(self) -> None:
        """What the memory has, as if the process had just started (tests)."""
        with self._lock:
            self._held.clear()

    def hits(self) -> list[Hits]:
        """Of each level there is."""
        with self._lock:
            return [
                Hits(self._kind.name, level, hits + self._misses[level], hits)
                for level, hits in self._hits.items()
                if level == "memory" or shared().is_there
            ]

    def _from_redis(self, name: str) -> Value | None:
        sealed = shared().get(name)
        if sealed is None:
            return None
        seal, content = sealed[:SEAL_BYTES], sealed[SEAL_BYTES:]
        if not hmac.compare_digest(seal, _seal(name, content)):
            return None
        return self._from_json(json.loads(content))


def _seal(name: str, content: bytes) -> bytes:
    """Over the name too: what was kept under one must not answer for another."""
    sealed = hashlib.blake2b(digest_size=SEAL_BYTES, key=_sealing_key())
    sealed.update(name.encode() + b"\0" + content)
    return sealed.digest()


@cache
def _sealing_key() -> bytes:
    return hashlib.blake2b(settings.SECRET_KEY.encode(), person=b"rapidserve-cache").digest()
