"""Chunks as files in a directory of this machine. The order of the steps is the point here.

    DIRECTORY/rapidserve-node.json         the marker: {"node": name, "id": random, "layout": 1}
    DIRECTORY/objects/ab/<key>             one file for each object, mode 0600
    DIRECTORY/objects/ab/.<key>.<random>.tmp

Put: write the temporary file, hashing; fsync it; link it to its final name; fsync the directory;
unlink the temporary name. The link is what makes an object visible; it is atomic, and it fails when
the name is taken. Because the temporary name goes last, a file with two names is one whose
directory may not be on disk yet: `stat`, which callers take for proof, completes the fsync then.

A directory without its marker is an unmounted disk. Every operation compares the marker's stat with
the one it last read (a few microseconds), and again after anything was found missing: between the
first look and the miss the disk may have gone, and "absent" must never be said of a disk that isn't
there.
"""

import errno
import json
import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Final

from files.chunkstore.backend import (
    BLOCK_SIZE,
    OBJECT_KEY,
    OBJECT_SIZE,
    Stored,
    object_key,
    range_end,
)
from files.chunkstore.errors import ChunkAbsent, ChunkDamaged, NodeError, NodeFull, NodeOffline
from files.chunkstore.proof import Proof
from rapidserve.crashpoints import crash_point

MARKER: Final = "rapidserve-node.json"
LAYOUT: Final = 1
"""Stands in the marker. A directory that is laid out otherwise would look like one with no objects.
"""

_MARKER_BYTES: Final = 4096
_TEMPORARY: Final = ".tmp"
_WRITTEN_AT_ONCE: Final = BLOCK_SIZE
"""Linux takes the memory for what one call writes in one piece, where it can. In a virtual machine
large pieces that lay free have often gone back to the host: 1 MiB cost half as much again as this,
2 MiB ten times as much.
"""
_LEAVES_AT_ONCE: Final = 4 * BLOCK_SIZE
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


def setup(directory: Path, name: str) -> None:
    """Make `directory` the node `name`: created when absent, marked when empty.

    Does nothing when it is that node already. NodeError when it is another node's, holds anything
    else (somebody's files, or objects whose marker was lost), or can't be written.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (directory / MARKER).exists():
            _refuse_strangers(directory)
            _write_marker(directory, name)
        _check_marker(directory, name)
        (directory / "objects").mkdir(mode=0o700, exist_ok=True)
        _sync_directory(directory)
        _sync_directory(directory.parent)
    except OSError as error:
        raise _node_error(f"Setting up {directory}", error) from error


class LocalBackend:
    """The node `name` in `directory`, an absolute path that `setup` has prepared."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self._directory = directory
        self._objects = directory / "objects"
        self._marker = directory / MARKER
        self._marker_seen: tuple[int, ...] | None = None
        self._synced: set[Path] = set()

    def writer(self, key: str, *, size: int, sha256: str | None) -> "_LocalWriter":
        proof = Proof(object_key(key), size=size, sha256=sha256, most=OBJECT_SIZE)
        self._verify_marker()
        return _LocalWriter(self, key, proof)

    def read(
        self, key: str, start: int = 0, length: int | None = None
    ) -> Generator[bytes, None, None]:
        file = self.file(key)
        self._verify_marker()
        with self._looking_for(key):
            # Not through a symbolic link: it could name any file of the machine.
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            end = range_end(os.fstat(descriptor).st_size, start, length)
            while start < end:
                length = min(BLOCK_SIZE, end - start)
                start += length
                # Not kept in a name: until a slow reader comes back, this holds no memory.
                yield self._pread(key, descriptor, length, start - length)
        finally:
            os.close(descriptor)

    def stat(self, key: str) -> Stored:
        file = self.file(key)
        self._verify_marker()
        with self._looking_for(key):
            found = file.lstat()
            if found.st_nlink > 1:
                self.sync(file.parent)
        return _stored(key, found)

    def delete(self, key: str) -> None:
        """Not synced: what a power cut brings back is an orphan for the inventory to find."""
        file = self.file(key)
        self._verify_marker()
        crash_point("chunk.deleting")
        with suppress(ChunkAbsent), self._looking_for(key):
            file.unlink()

    def list(self) -> Iterator[Stored]:
        for entry in self._walk():
            if OBJECT_KEY.fullmatch(entry.name) and entry.path == str(self.file(entry.name)):
                with suppress(ChunkAbsent):
                    yield self._stat_entry(entry)

    def sweep(self, older_than: datetime) -> int:
        swept = 0
        for entry in self._walk():
            if entry.name.startswith(".") and entry.name.endswith(_TEMPORARY):
                with suppress(ChunkAbsent):
                    swept += self._sweep_entry(entry, older_than.timestamp())
        return swept

    def path(self, key: str) -> Path | None:
        try:
            self.stat(key)
        except ChunkAbsent:
            return None
        return self.file(key)

    def authenticates(self, key: str) -> bool:
        object_key(key)
        return False

    def check(self) -> None:
        """Write, link and remove a file: a disk that turned read-only still answers all else."""
        self._verify_marker()
        probe = f".probe.{secrets.token_hex(8)}"
        written = self._objects / f"{probe}.1{_TEMPORARY}"
        linked = self._objects / f"{probe}.2{_TEMPORARY}"
        with self.reporting("The probe"):
            try:
                with open(written, "xb", opener=_private) as handle:
                    handle.write(bytes(4096))
                linked.hardlink_to(written)
            finally:
                written.unlink(missing_ok=True)
                linked.unlink(missing_ok=True)

    def file(self, key: str) -> Path:
        """Where the object is, or would be. ValueError for anything that is not a key."""
        object_key(key)
        return self._objects.joinpath(key[:2], key)

    def make_directory(self, leaf: Path) -> None:
        """A directory of objects: on the node's disk, never below its mount point."""
        self._verify_marker()
        for directory in (self._objects, leaf):
            directory.mkdir(mode=0o700, exist_ok=True)

    def sync(self, directory: Path) -> None:
        """Make the names in `directory` durable, and the names of the directories it lies in.

        Each process syncs the latter once, even those it didn't make: who made them may have died
        before it came to that.
        """
        _sync_directory(directory)
        while directory != self._directory and directory not in self._synced:
            parent = directory.parent
            _sync_directory(parent)
            self._synced.add(directory)
            directory = parent

    @contextmanager
    def reporting(self, what: str) -> Iterator[None]:
        """Tell an OSError as what it means: NodeOffline (the disk is gone), NodeFull, NodeError."""
        try:
            yield
        except OSError as error:
            self._verify_marker()
            raise _node_error(f"{what} on {self.name}", error) from error

    @contextmanager
    def _looking_for(self, key: str) -> Iterator[None]:
        """Like `reporting`, for names that may rightly be missing: ChunkAbsent."""
        with self.reporting(key):
            try:
                yield
            except FileNotFoundError:
                self._verify_marker()
                raise ChunkAbsent(f"{key} is not on {self.name}.") from None

    def _pread(self, key: str, descriptor: int, length: int, offset: int) -> bytes:
        """Exactly `length` bytes; some network and FUSE file systems give fewer at a time."""
        with self.reporting(key):
            block = os.pread(descriptor, length, offset)
            while len(block) < length:
                more = os.pread(descriptor, length - len(block), offset + len(block))
                if not more:
                    raise ChunkDamaged(f"{key} on {self.name} became shorter while it was read.")
                block += more
        return block

    def _verify_marker(self) -> None:
        try:
            found = self._marker.stat()
        except OSError as error:
            self._marker_seen = None
            raise NodeOffline(f"{self.name} has no marker: {error}.") from error
        seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if seen != self._marker_seen:
            _check_marker(self._directory, self.name)
            self._synced.clear()  # perhaps another disk, with directories of its own
            self._marker_seen = seen

    def _walk(self) -> "Iterator[os.DirEntry[str]]":
        """Everything in `objects` and in the directories below.

        The marker is looked at last as well: a disk that went away in the middle must not look
        like one with fewer objects.
        """
        self._verify_marker()
        with self.reporting("The listing"):
            for entry in _entries(self._objects):
                yield entry
                yield from _entries(Path(entry.path))
        self._verify_marker()

    def _stat_entry(self, entry: "os.DirEntry[str]") -> Stored:
        with self._looking_for(entry.name):
            return _stored(entry.name, entry.stat(follow_symlinks=False))

    def _sweep_entry(self, entry: "os.DirEntry[str]", older_than: float) -> int:
        with self._looking_for(entry.name):
            found = entry.stat(follow_symlinks=False)
            if found.st_mtime >= older_than:
                return 0
            if found.st_nlink > 1:
                # The second name is what tells `stat` that nobody has done this yet.
                self.sync(Path(entry.path).parent)
            Path(entry.path).unlink()
            return 1


class _LocalWriter:
    def __init__(self, backend: LocalBackend, key: str, proof: Proof) -> None:
        self._backend = backend
        self._key = key
        self._proof = proof
        self._final = backend.file(key)
        self._directory = self._final.parent
        self._temporary = self._directory / f".{key}.{secrets.token_hex(8)}{_TEMPORARY}"
        self._file: FileIO | None = self._create()
        self._written = 0
        self._leaving = 0

    def write(self, block: bytes) -> None:
        descriptor = self._open()
        try:
            self._proof.take(block)
            rest = memoryview(block)
            with self._backend.reporting(self._key):
                while rest:
                    rest = rest[os.write(descriptor, rest[:_WRITTEN_AT_ONCE]) :]
                self._written += len(block)
                self._begin_writeback(descriptor)
        except BaseException:  # whatever it is, the half-written file goes
            self.abort()
            raise

    def commit(self) -> None:
        descriptor = self._open()
        try:
            self._proof.verify()
            with self._backend.reporting(self._key):
                crash_point("chunk.temporary")
                os.fsync(descriptor)
                crash_point("chunk.synced")
                with suppress(FileExistsError):
                    self._final.hardlink_to(self._temporary)
        except BaseException:  # likewise
            self.abort()
            raise
        crash_point("chunk.linked")
        self._close()
        with self._backend.reporting(self._key):
            # When this fails the temporary name stays: `stat` would take the file for durable.
            # It is done as well when the name was taken: its writer may not have come to it.
            self._backend.sync(self._directory)
        with suppress(OSError):
            self._temporary.unlink()

    def abort(self) -> None:
        if self._file is None:
            return
        self._close()
        with suppress(OSError):
            self._temporary.unlink()

    def _begin_writeback(self, descriptor: int) -> None:
        """Let the disk begin early, so that fsync waits for the last bytes only. Linux takes this
        advice so; it drops nothing of what is still to be written.
        """
        length = self._written - self._leaving
        if length >= _LEAVES_AT_ONCE:
            os.posix_fadvise(descriptor, self._leaving, length, os.POSIX_FADV_DONTNEED)
            self._leaving = self._written

    def _open(self) -> int:
        if self._file is None:
            raise ValueError("This writer is closed.")
        return self._file.fileno()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def _create(self) -> FileIO:
        with self._backend.reporting(self._key):
            try:
                return open(self._temporary, "xb", buffering=0, opener=_private)
            except FileNotFoundError:
                self._backend.make_directory(self._directory)
                return open(self._temporary, "xb", buffering=0, opener=_private)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _stored(key: str, found: os.stat_result) -> Stored:
    return Stored(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    """What is in a directory; nothing when it is none or has gone."""
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _node_error(what: str, error: OSError) -> NodeError:
    if error.errno in _FULL:
        return NodeFull(f"{what}: {error}.")
    return NodeError(f"{what}: {error}.")


def _refuse_strangers(directory: Path) -> None:
    """A fresh ext4 disk has its lost+found, a setup that was killed its unfinished marker."""
    strangers = [
        entry.name
        for entry in directory.iterdir()
        if entry.name != "lost+found" and not entry.name.startswith(f".{MARKER}.")
    ]
    # Unless another process has marked it since: what is there now is the node's.
    if strangers and not (directory / MARKER).exists():
        raise NodeError(f"{directory} is not empty and has no {MARKER}: not a node of ours.")


def _write_marker(directory: Path, name: str) -> None:
    """Whole or not at all; the first one wins when two processes set up the same directory."""
    temporary = directory / f".{MARKER}.{secrets.token_hex(8)}{_TEMPORARY}"
    content = json.dumps({"node": name, "id": secrets.token_hex(16), "layout": LAYOUT})
    try:
        with open(temporary, "x", encoding="utf-8", opener=_private) as handle:
            handle.write(content + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        with suppress(FileExistsError):
            (directory / MARKER).hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)


def _check_marker(directory: Path, name: str) -> None:
    """NodeOffline unless the directory's marker says `name`."""
    try:
        with (directory / MARKER).open("rb") as handle:
            marker = json.loads(handle.read(_MARKER_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise NodeOffline(f"The marker in {directory} can't be read: {error}.") from error
    marker = marker if isinstance(marker, dict) else {}
    found = marker.get("node")
    if found != name:
        raise NodeOffline(f"{directory} is the node {str(found)[:40]!r}, not {name!r}.")
    if marker.get("layout") != LAYOUT:
        raise NodeOffline(f"{directory} is laid out as another version of RapidServe does it.")
