import asyncio
import threading

from rapidserve.observability import health
from rapidserve.observability.health import NO_ANSWER, Readiness


def test_every_part_is_reported_by_name():
    readiness = Readiness({"database": lambda: None, "nodes": lambda: "failing: main"})

    assert asyncio.run(readiness.report()) == {"database": "ok", "nodes": "failing: main"}


def test_a_check_that_breaks_is_a_part_that_failed_not_an_error():
    def broken():
        raise RuntimeError("with /a/path in it")

    report = asyncio.run(Readiness({"database": broken, "nodes": lambda: None}).report())

    assert report == {"database": "failed", "nodes": "ok"}


def test_many_who_ask_at_once_cost_one_look():
    looks = []
    readiness = Readiness({"database": lambda: looks.append(1)})

    async def ask():
        await asyncio.gather(*(readiness.report() for _ in range(50)))

    asyncio.run(ask())

    assert len(looks) == 1


def test_a_part_that_hangs_is_reported_and_not_waited_for(monkeypatch):
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.01)
    released = threading.Event()

    def hanging():
        released.wait()

    try:
        report = asyncio.run(Readiness({"nodes": hanging}).report())
    finally:
        released.set()

    assert report == {"nodes": NO_ANSWER}


def test_it_is_looked_at_again_later(monkeypatch):
    monkeypatch.setattr(health, "FRESH_SECONDS", 0)
    answers = iter(["down", None])
    readiness = Readiness({"database": lambda: next(answers)})

    async def ask_twice():
        return [await readiness.report(), await readiness.report()]

    assert asyncio.run(ask_twice()) == [{"database": "down"}, {"database": "ok"}]
