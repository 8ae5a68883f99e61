"""What is measured. Every answer is checked, and a sample of the contents afterwards."""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import count, cycle, islice
from typing import Final

from bench import load
from bench.contents import CHUNK_SIZE, Chunk, File, Source
from bench.load import Connection, Exchange, Expected, Refused, Request
from bench.measure import Case, Load, warm_memory
from bench.peers import Peer

GB: Final = 10**9
MANY: Final = 8
STANDING: Final = "standing"
STANDING_SMALL: Final = "standing-small"
RANGE_BYTES: Final = 1024
WARMED: Final = 2
"""Times what is written: others take some of it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much a measurement moves. `total` bytes, in chunks or in eight files."""

    total: int
    small_files: int
    small_bytes: int
    requests: int


FULL: Final = Scale(total=2**30, small_files=1000, small_bytes=10 * 1024, requests=20_000)
QUICK: Final = Scale(total=MANY * CHUNK_SIZE, small_files=24, small_bytes=10 * 1024, requests=200)


class Cases:
    """The cases at a scale, and the standing files that those which download share."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._source = Source()
        self._folders = map("measured-{}".format, count())
        self._chunked = self._source.file(STANDING, "chunked", scale.total)
        self._large = self._source.files(STANDING, scale.total // MANY, MANY)
        self._small = self._source.files(STANDING_SMALL, scale.small_bytes, scale.small_files)

    def put_standing(self, peer: Peer) -> None:
        load.run(peer.port, peer.put_chunks(self._chunked), MANY)
        peer.finish_chunks(self._chunked)
        for files in (self._large, self._small):
            load.run(peer.port, peer.put_files(files), MANY)

    def all(self) -> list[Case]:
        scale = self._scale
        large = f"{MANY} files of {scale.total // MANY // 2**20} MiB"
        small = f"{scale.small_files:,} files of {scale.small_bytes // 1024} KiB"
        return [
            *_alone_and_many("chunks-down", "4 MiB chunks down", self._chunks_down),
            *_alone_and_many("chunks-up", "4 MiB chunks up", self._chunks_up),
            *_alone_and_many("large-down", f"{large} down", self._large_down),
            *_alone_and_many("large-up", f"{large} up", self._large_up),
            _many("small-down", f"{small} down", "files", self._small_down),
            _many("small-up", f"{small} up", "files", self._small_up),
            _many("unchanged", "Chunks that have not changed", "requests", self._unchanged),
            _many("ranges", "Ranges of 1 KiB of a chunk", "requests", self._ranges),
        ]

    @contextmanager
    def _chunks_down(self, peer: Peer) -> Iterator[Load]:
        file = self._chunked
        paths = peer.chunk_paths(file)
        yield Load(
            [
                Exchange(Request("GET", path), Expected(200, chunk.size))
                for path, chunk in zip(paths, file.chunks, strict=True)
            ],
            file.size / GB,
        )
        _check_a_chunk(peer, file)

    @contextmanager
    def _chunks_up(self, peer: Peer) -> Iterator[Load]:
        file = self._source.file(next(self._folders), "chunked", self._scale.total)
        tasks = peer.put_chunks(file)
        warm_memory(WARMED * self._scale.total)
        yield Load(tasks, file.size / GB)
        peer.finish_chunks(file)
        _check_a_chunk(peer, file)
        peer.remove(file.folder)

    @contextmanager
    def _large_down(self, peer: Peer) -> Iterator[Load]:
        yield Load(peer.get_files(self._large), self._scale.total / GB)
        _check_an_end(peer, self._large)

    @contextmanager
    def _large_up(self, peer: Peer) -> Iterator[Load]:
        files = self._source.files(next(self._folders), self._scale.total // MANY, MANY)
        tasks = peer.put_files(files)
        warm_memory(WARMED * self._scale.total)
        yield Load(tasks, self._scale.total / GB)
        _check_an_end(peer, files)
        peer.remove(files[0].folder)

    @contextmanager
    def _small_down(self, peer: Peer) -> Iterator[Load]:
        yield Load(peer.get_files(self._small), len(self._small))
        _check_an_end(peer, self._small)

    @contextmanager
    def _small_up(self, peer: Peer) -> Iterator[Load]:
        scale = self._scale
        files = self._source.files(next(self._folders), scale.small_bytes, scale.small_files)
        yield Load(peer.put_files(files), len(files))
        _check_an_end(peer, files)
        peer.remove(files[0].folder)

    @contextmanager
    def _unchanged(self, peer: Peer) -> Iterator[Load]:
        """As a browser asks again for what it has. Nothing but the ticket is looked at."""
        with closing(Connection(peer.port)) as connection:
            again = [
                Exchange(Request("GET", path, _condition(connection, path)), Expected(304))
                for path in peer.chunk_paths(self._chunked)
            ]
        yield self._repeated(again)

    @contextmanager
    def _ranges(self, peer: Peer) -> Iterator[Load]:
        """As a program does that reads a little here and there."""
        wanted = {"Range": f"bytes=0-{RANGE_BYTES - 1}"}
        yield self._repeated(
            [
                Exchange(Request("GET", path, wanted), Expected(206, RANGE_BYTES))
                for path in peer.chunk_paths(self._chunked)
            ]
        )

    def _repeated(self, tasks: list[Exchange]) -> Load:
        requests = self._scale.requests
        return Load(list(islice(cycle(tasks), requests)), requests)


def _many(
    key: str, title: str, unit: str, prepare: Callable[[Peer], AbstractContextManager[Load]]
) -> Case:
    return Case(f"{key}-{MANY}", title, unit, MANY, prepare)


def _alone_and_many(
    key: str, title: str, prepare: Callable[[Peer], AbstractContextManager[Load]]
) -> list[Case]:
    """In bytes, over one connection and over eight."""
    return [Case(f"{key}-{number}", title, "GB", number, prepare) for number in (1, MANY)]


def _condition(connection: Connection, path: str) -> dict[str, str]:
    answer = connection.ask(Request("GET", path, {"Range": "bytes=0-0"}), Expected(206, 1))
    if tag := answer.header(b"etag"):
        return {"If-None-Match": tag}
    changed = answer.header(b"last-modified")
    if changed is None:
        raise Refused(f"{path}: neither ETag nor Last-Modified.")
    return {"If-Modified-Since": changed}


def _check_a_chunk(peer: Peer, file: File) -> None:
    """One of them, byte for byte."""
    path, chunk = random.choice(list(zip(peer.chunk_paths(file), file.chunks, strict=True)))
    with closing(Connection(peer.port)) as connection:
        body = connection.ask(Request("GET", path), Expected(200)).body
    _compare(path, body, chunk)


def _check_an_end(peer: Peer, files: Sequence[File]) -> None:
    """The last chunk of one of them, byte for byte."""
    file = random.choice(files)
    chunk = file.chunks[-1]
    path = peer.file_path(file)
    wanted = {"Range": f"bytes={file.size - chunk.size}-{file.size - 1}"}
    with closing(Connection(peer.port)) as connection:
        body = connection.ask(Request("GET", path, wanted), Expected(206)).body
    _compare(path, body, chunk)


def _compare(path: str, body: bytes, chunk: Chunk) -> None:
    if hashlib.sha256(body).hexdigest() != chunk.sha256:
        raise Refused(f"{path}: {len(body)} bytes, and not the ones that were put.")
