"""What is to be uploaded: files opened for reading, folders walked, standard input caught."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from rapidserve_client.blocks import ChangedMeanwhile
from rapidserve_client.errors import LocalTrouble

COPY_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file, open. `modified_at`: microseconds since 1970; None for standard input."""

    fd: int
    size: int
    modified_at: int | None
    _modified_ns: int

    @classmethod
    def of(cls, fd: int, *, is_dated: bool = True) -> "OpenFile":
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise LocalTrouble("It is not a file with contents.")
        modified_at = facts.st_mtime_ns // 1000 if is_dated else None
        return cls(fd, facts.st_size, modified_at, facts.st_mtime_ns)

    def must_be_unchanged(self) -> None:
        """ChangedMeanwhile when it was written to since it was opened: what was read of it may be
        half of the old and half of the new.
        """
        facts = os.fstat(self.fd)
        if (facts.st_size, facts.st_mtime_ns) != (self.size, self._modified_ns):
            raise ChangedMeanwhile


@contextmanager
def opened(path: Path) -> Iterator[OpenFile]:
    """LocalTrouble when it can't be read. Never waits for a pipe that nobody writes to."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise LocalTrouble.of(error) from error
    try:
        yield OpenFile.of(fd)
    finally:
        os.close(fd)


@contextmanager
def standard_input() -> Iterator[OpenFile]:
    """All of it, in a file without a name, which is gone with this process whatever ends it.

    The protocol wants the size first, and what was sent can't be read from a pipe again.
    """
    with tempfile.TemporaryFile(prefix="rapidserve-") as spool:
        try:
            _spool(sys.stdin.buffer, spool)
        except OSError as error:
            raise LocalTrouble(
                f"Standard input could not be kept in {tempfile.gettempdir()} (TMPDIR names another"
                f" place): {LocalTrouble.of(error)}"
            ) from error
        yield OpenFile.of(spool.fileno(), is_dated=False)


def _spool(source: BinaryIO, spool: BinaryIO) -> None:
    shutil.copyfileobj(source, spool, COPY_BYTES)
    spool.flush()


def is_folder(path: str) -> bool:
    """Whether a folder is there, or a link to one. False also where nobody may look."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Listing:
    """A local folder: its files, its folders, and what is neither, each in order of name."""

    files: list[Path]
    folders: list[Path]
    others: list[tuple[Path, str]]


def listing(folder: Path) -> Listing:
    """LocalTrouble when it can't be read. Links are not followed: they may lead anywhere, also in
    circles, and what they lead to is uploaded where it is.
    """
    found = Listing([], [], [])
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                _sort(entry, folder / entry.name, found)
    except OSError as error:
        raise LocalTrouble.of(error) from error
    return found


def _sort(entry: os.DirEntry[str], path: Path, found: Listing) -> None:
    if entry.is_symlink():
        found.others.append((path, "a symbolic link"))
    elif entry.is_dir(follow_symlinks=False):
        found.folders.append(path)
    elif entry.is_file(follow_symlinks=False):
        found.files.append(path)
    else:
        found.others.append((path, "a pipe, a socket or a device"))
