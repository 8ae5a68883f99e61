"""Redis behind the cache: what it can't give at once, or what isn't ours, is a miss."""

import logging
import socket
import time

import pytest
from django.core.cache import caches
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError

from rapidserve import cache
from rapidserve.cache import ALIAS, REST_SECONDS, Kind, Shared, TwoLevel, configured
from rapidserve.db import new_id
from tests.engines.redis import redis_server

KIND = Kind("word", layout=3, held=2, seconds=60)
KEY = (new_id(), 7)
NAME = f"rapidserve:1:word:3:{KEY[0]}:7"


class Flaky:
    """A backend that fails as long as it is told to."""

    def __init__(self):
        self.error = None
        self.asked = 0

    def get(self, name):
        self.asked += 1
        if self.error:
            raise self.error
        return name.encode()


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def flaky():
    return Flaky()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shared(flaky, clock):
    return Shared(flaky, clock)


def test_after_a_failure_nobody_asks_for_a_while_and_then_one_does(shared, flaky, clock):
    flaky.error = RedisConnectionError("refused")

    assert [shared.get("a") for _ in range(100)] == [None] * 100
    assert flaky.asked == 1
    clock.now += REST_SECONDS
    assert [shared.get("a") for _ in range(100)] == [None] * 100
    assert flaky.asked == 2


def test_once_it_answers_everybody_asks_again(shared, flaky, clock):
    flaky.error = TimeoutError()
    shared.get("a")
    flaky.error = None

    assert shared.get("a") is None
    clock.now += REST_SECONDS
    assert [shared.get("a") for _ in range(3)] == [b"a"] * 3


def test_a_long_absence_is_a_line_a_minute_and_not_one_for_each_request(
    shared, flaky, clock, caplog
):
    caplog.set_level(logging.INFO)
    flaky.error = RedisConnectionError("refused")
    for _ in range(600):
        clock.now += 0.1
        shared.get("a")
    assert len(caplog.records) == 1

    clock.now += REST_SECONDS
    flaky.error = None
    shared.get("a")

    assert "answers the cache again" in caplog.records[-1].message


def test_a_refusal_is_a_miss_and_does_not_stop_the_asking(shared, flaky, caplog):
    flaky.error = OutOfMemoryError("maxmemory")
    assert [shared.get("a") for _ in range(3)] == [None] * 3

    assert flaky.asked == 3
    assert len(caplog.records) == 1


def test_one_that_never_answers_costs_a_fifth_of_a_second_once(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CACHES = configured(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        shared = Shared(caches.create_connection(ALIAS))
        began = time.monotonic()

        assert [shared.get("a") for _ in range(50)] == [None] * 50

    assert time.monotonic() - began < 1.0


def test_without_an_address_there_is_no_second_level(settings):
    settings.CACHES = configured(None)
    cache.shared.cache_clear()

    words = two_level()
    words.put(KEY, "kept")

    assert words.get(KEY) == "kept"
    assert [each.level for each in words.hits()] == ["memory"]


def two_level():
    return TwoLevel(KIND, to_json=lambda word: [word], from_json=lambda row: row[0])


@pytest.fixture
def redis(settings):
    """A client of the server that the cache uses."""
    with redis_server() as running:
        settings.CACHES = configured(running.url)
        cache.shared.cache_clear()
        with Redis(port=running.port) as client:
            client.server = running
            yield client
    cache.shared.cache_clear()


def test_another_process_finds_what_one_has_put(redis):
    two_level().put(KEY, "wörd")
    other = two_level()

    assert other.held(KEY) is None
    assert other.get(KEY) == "wörd"
    assert other.held(KEY) == "wörd"
    counted = {each.level: (each.asked, each.hits, each.percent) for each in other.hits()}
    assert counted == {"memory": (2, 1, 50), "redis": (1, 1, 100)}


def test_what_is_forgotten_is_in_neither_level(redis):
    words = two_level()
    words.put(KEY, "old")

    words.forget(KEY)

    assert words.get(KEY) is None
    assert two_level().get(KEY) is None


def test_it_stays_as_long_as_its_kind_says_and_is_no_pickle(redis):
    two_level().put(KEY, "kept")

    assert 58_000 < redis.pttl(NAME) <= 60_000
    assert redis.get(NAME)[cache.SEAL_BYTES :] == b'["kept"]'


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"0",
        b"9" * 5000,
        b'["forged"]',
        b"\0" * 16 + b'["forged"]',
        b"cos\nsystem\n(S'true'\ntR.",
        b"\xff" * 1_000_000,
    ],
)
def test_garbage_is_a_miss_and_is_overwritten(redis, garbage):
    redis.set(NAME, garbage)
    words = two_level()

    assert words.get(KEY) is None
    words.put(KEY, "right")
    assert two_level().get(KEY) == "right"


def test_so_is_another_type(redis):
    redis.rpush(NAME, "a", "list")
    words = two_level()

    assert words.get(KEY) is None
    words.put(KEY, "right")
    assert two_level().get(KEY) == "right"


def test_so_is_what_was_kept_under_another_name_or_by_another_installation(
    redis, settings, monkeypatch
):
    two_level().put(KEY, "ours")
    redis.set(NAME[:-1] + "8", redis.get(NAME))
    assert two_level().get((KEY[0], 8)) is None

    monkeypatch.setattr(cache, "_sealing_key", lambda: b"theirs")
    assert two_level().get(KEY) is None


def test_a_redis_that_is_killed_and_comes_back(redis, monkeypatch):
    monkeypatch.setattr(cache, "REST_SECONDS", 0.0)
    words = two_level()
    words.put(KEY, "kept")

    redis.server.kill()
    words.put(KEY, "changed")
    words.forget((KEY[0], 8))
    assert words.get(KEY) == "changed"
    assert two_level().get(KEY) is None

    redis.server.start()
    words.put(KEY, "again")
    assert two_level().get(KEY) == "again"
