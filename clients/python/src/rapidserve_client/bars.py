"""Progress bars, for terminals."""

import threading
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from rapidserve_client.names import printable
from rapidserve_client.progress import Item, amount

LABEL_WIDTH: Final = 32
BAR_FROM: Final = 2**20
"""Bytes. Smaller files are over before a bar could be read; they count in the total only."""


class Bars:
    """A bar for everything and one for each file under way."""

    def __init__(self) -> None:
        console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            DownloadColumn(binary_units=True),
            _Speed(),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            expand=True,
        )
        self._lock = threading.Lock()
        self._files = self._done = self._bytes = 0
        self._total = self._progress.add_task(_cut("0 of 0 files"), total=0)
        self._progress.start()

    def expect(self, size: int) -> None:
        with self._lock:
            self._files += 1
            self._bytes += size
            self._show_total()

    def begin(self, label: str, size: int) -> Item:
        task = self._progress.add_task(_cut(label), total=size) if size >= BAR_FROM else None
        return _Bar(self._progress, self._total, task, self._end_one)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, soft_wrap=True)

    def close(self) -> None:
        self._progress.stop()

    def _end_one(self) -> None:
        with self._lock:
            self._done += 1
            self._show_total()

    def _show_total(self) -> None:
        description = _cut(f"{self._done} of {self._files} files")
        self._progress.update(self._total, description=description, total=self._bytes)


class _Bar:
    """`task`: the file's own bar, if it has one."""

    def __init__(
        self, progress: Progress, total: TaskID, task: TaskID | None, ended: Callable[[], None]
    ) -> None:
        self._progress = progress
        self._total = total
        self._task = task
        self._ended = ended

    def advance(self, count: int) -> None:
        self._progress.advance(self._total, count)
        if self._task is not None:
            self._progress.advance(self._task, count)

    def end(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._ended()


class _Speed(ProgressColumn):
    """In the units of the sizes beside it; rich's own counts in thousands."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{amount(int(speed))}/s", style="progress.data.speed")


def _cut(label: str) -> str:
    """Of a long path the end, which tells files apart; all of one width, so that bars align."""
    shown = printable(label)
    if len(shown) > LABEL_WIDTH:
        shown = "…" + shown[-(LABEL_WIDTH - 1) :]
    return shown.ljust(LABEL_WIDTH)
