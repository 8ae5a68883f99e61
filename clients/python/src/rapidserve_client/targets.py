"""Where downloads are written: below one open folder, by names that can't lead out of it.

Every step is taken from an open folder to a name in it, without following links. So neither a name
from the server nor a link that somebody laid in the folder moves a byte elsewhere.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rapidserve_client import blocks
from rapidserve_client.errors import LocalTrouble, Unsafe
from rapidserve_client.names import check_safe, part_name, printable

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINK: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # nor wait for a pipe's other end


class Target:
    """The folder that everything is written below. The person named it, so links in its own path
    are theirs, and are followed.
    """

    def __init__(self, path: Path) -> None:
        """Made if it is missing. LocalTrouble when it can't be, or is no folder."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, _FOLDER)
        except OSError as error:
            raise LocalTrouble(f"{printable(str(path))}: {LocalTrouble.of(error)}") from error

    def close(self) -> None:
        os.close(self._fd)

    @contextmanager
    def folder(self, parts: Sequence[str]) -> Iterator["Folder"]:
        """The folder below by these names, made where missing. Unsafe when one of them is not a
        plain folder with a plain name.
        """
        fd = os.dup(self._fd)
        try:
            for name in parts:
                check_safe(name)
                below = _step(fd, name)
                os.close(fd)
                fd = below
            yield Folder(fd)
        finally:
            os.close(fd)


def _step(fd: int, name: str) -> int:
    try:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=fd)
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=fd)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise Unsafe(f"“{printable(name)}” is here already, and is no folder.") from error
        raise LocalTrouble.of(error) from error


@dataclass(frozen=True, slots=True)
class Present:
    """A regular file that is here already. `modified_at`: microseconds since 1970."""

    size: int
    modified_at: int


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder, open."""

    fd: int

    def present(self, name: str) -> Present | None:
        """The file of this name; None when nothing is there. Unsafe for anything but a file."""
        try:
            facts = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(facts.st_mode):
            raise Unsafe(f"“{printable(name)}” is here already, and is no file.")
        return Present(facts.st_size, facts.st_mtime_ns // 1000)

    @contextmanager
    def reading(self, name: str) -> Iterator[int]:
        fd = os.open(name, os.O_RDONLY | _NO_LINK, dir_fd=self.fd)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def part(self, name: str, size: int) -> Iterator["Part"]:
        """The unfinished download of `name`, with what an earlier run has left in it.

        It stays when the `with` is left without `finish`. LocalTrouble when another process has it.
        """
        part = part_name(name)
        fd = self._open_part(part)
        try:
            _must_fit(fd, size)
            os.ftruncate(fd, size)
            yield Part(self.fd, fd, part, name, size)
        finally:
            os.close(fd)

    def _open_part(self, part: str) -> int:
        fd = os.open(part, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o666, dir_fd=self.fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            facts = os.fstat(fd)
            # The one who held the lock may have finished: what is locked now is then the file.
            if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1 or not self._is(part, facts):
                raise BlockingIOError
        except BlockingIOError as error:
            os.close(fd)
            raise LocalTrouble("Something else is writing it here at the moment.") from error
        except OSError:
            os.close(fd)
            raise
        return fd

    def _is(self, name: str, facts: os.stat_result) -> bool:
        try:
            now = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(now, facts)


def _must_fit(fd: int, size: int) -> None:
    """LocalTrouble when the disk has no room for what the file does not take already."""
    missing = size - os.fstat(fd).st_blocks * 512  # POSIX counts in these, whatever the disk does
    disk = os.fstatvfs(fd)
    free = disk.f_bavail * disk.f_frsize
    if missing > free:
        raise LocalTrouble(f"The disk has {free} bytes of room; {missing} are needed.")


@dataclass(frozen=True, slots=True)
class Part:
    """A file that grows until it is whole. Safe on many threads: each writes its own chunks."""

    _folder: int
    fd: int
    _part: str
    _name: str
    size: int

    def may_hold(self, index: int) -> bool:
        """False when nothing was ever written where chunk `index` goes: then it needs no look."""
        start = index * blocks.CHUNK_SIZE
        try:
            found = os.lseek(self.fd, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end
                return False
            raise
        return found < start + blocks.length(self.size, index)

    def write(self, index: int, data: bytearray) -> None:
        """Put a verified chunk in its place."""
        position = index * blocks.CHUNK_SIZE
        with memoryview(data) as rest:
            while rest:
                written = os.pwrite(self.fd, rest, position)
                position += written
                rest = rest[written:]  # noqa: PLW2901 - what is left of it

    def finish(self, modified_at: int | None) -> None:
        """Durable, dated, and then under its own name, in place of what was there."""
        if modified_at is not None:
            with suppress(OverflowError, OSError):  # a time that this disk can't note
                os.utime(self.fd, ns=(modified_at * 1000, modified_at * 1000))
        os.fsync(self.fd)
        os.rename(self._part, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        os.fsync(self._folder)
