"""Bodies are gathered into pieces worth a thread's attention, and no client makes us hold many."""

import asyncio

import pytest
from starlette.requests import Request

from files.delivery import bodies


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only where a test says so."""
    now = [0.0]
    monkeypatch.setattr(bodies, "monotonic", lambda: now[0])
    return now


def request_with(messages):
    """A request whose body arrives as `messages` say: blocks, or something to do in between."""

    async def receive():
        message = next(messages)
        while callable(message):
            message()
            message = next(messages)
        return {"type": "http.request", "body": message, "more_body": True}

    messages = iter(messages)
    return Request({"type": "http", "method": "PUT", "headers": []}, receive)


def gathered(messages, *, size, total):
    """The pieces that are handed on, until no byte is missing."""

    async def run():
        pieces = []
        left = total
        async for piece in bodies.gathered(request_with(messages), size, total):
            pieces.append(piece)
            left -= sum(map(len, piece))
            if not left:
                break
        return pieces

    return asyncio.run(run())


def test_blocks_are_handed_on_together_once_they_are_enough():
    pieces = gathered([b"aa", b"bb", b"cc", b"dd", b"e"], size=4, total=9)

    assert pieces == [[b"aa", b"bb"], [b"cc", b"dd"], [b"e"]]


def test_the_last_bytes_do_not_wait_for_the_end_of_the_request():
    """More is never said here: waiting for it would be an error of the test."""
    assert gathered([b"aa", b"b"], size=100, total=3) == [[b"aa", b"b"]]


def test_empty_blocks_are_no_blocks():
    assert gathered([b"", b"aa", b"", b"b"], size=2, total=3) == [[b"aa"], [b"b"]]


def test_what_a_slow_client_sent_is_not_held_for_long(clock):
    def time_passes():
        clock[0] += bodies.GATHER_SECONDS * 0.6

    slow = [b"a", time_passes, b"b", time_passes, b"c", time_passes, b"d"]

    assert gathered(slow, size=100, total=4) == [[b"a", b"b", b"c"], [b"d"]]
