"""What the person sees meanwhile: a line now and then, or nothing. For terminals see `bars`."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

LINE_EVERY: Final = 10.0
"""Seconds between lines where there are no bars."""


class Item(Protocol):
    """One file under way."""

    def advance(self, count: int) -> None:
        """So many bytes more; less than none when they have to come again."""

    def end(self) -> None: ...


class Display(Protocol):
    """Threads may share it."""

    def expect(self, size: int) -> None:
        """One more file, of that many bytes, will have to be dealt with."""

    def begin(self, label: str, size: int) -> Item:
        """Deal with one of those that were expected."""

    def say(self, line: str) -> None:
        """Show a line at once, without disturbing what is there."""

    def close(self) -> None: ...


class Lines:
    """For logs and pipes: how far it is, every ten seconds, on standard error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files = self._done = self._bytes = self._moved = 0
        self._next = time.monotonic() + LINE_EVERY

    def expect(self, size: int) -> None:
        with self._lock:
            self._files += 1
            self._bytes += size

    def begin(self, label: str, size: int) -> Item:  # noqa: ARG002 - bars show them
        return _Line(self._move, self._end_one)

    def say(self, line: str) -> None:
        with self._lock:
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        pass

    def _move(self, count: int) -> None:
        with self._lock:
            self._moved += count
            due = time.monotonic() >= self._next
            if due:
                self._next = time.monotonic() + LINE_EVERY
        if due:
            self.say(
                f"{self._done} of {self._files} files, "
                f"{amount(self._moved)} of {amount(self._bytes)}"
            )

    def _end_one(self) -> None:
        with self._lock:
            self._done += 1


class _Line:
    def __init__(self, move: Callable[[int], None], end: Callable[[], None]) -> None:
        self.advance = move
        self.end = end


class Quiet:
    """Only what has to be said."""

    def expect(self, size: int) -> None:
        pass

    def begin(self, label: str, size: int) -> Item:  # noqa: ARG002 - nothing is shown
        return _Line(lambda _: None, lambda: None)

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        pass


def amount(size: int) -> str:
    """`12.3 MiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:  # noqa: PLR2004 - of each unit to the next
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
