"""One file to the server: hashed while it is sent, and whatever was sent before is not sent again.

The server remembers an upload by its place, name, size and first hashes. So a command that was
killed is continued by running it again: the same announcement finds the open upload, and `have`
says which chunks have arrived.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Final

from rapidserve_client import answers, blocks
from rapidserve_client.answers import Entry, Slot
from rapidserve_client.blocks import ChangedMeanwhile
from rapidserve_client.errors import BadAnswer, ClientError, Refused
from rapidserve_client.progress import Item
from rapidserve_client.server import PAGE, Server, indexes_in
from rapidserve_client.sources import OpenFile
from rapidserve_client.workers import Flight, Workers

FIRST_BATCH: Final = 8
LARGEST_BATCH: Final = 64
"""Chunks hashed and announced at a time: few at first, so that sending begins at once."""
WINDOW: Final = 128
"""Chunks announced and not yet sent, at most: their addresses would grow old, and what was read
for hashing would have left the page cache before it is read for sending."""
TRIES: Final = 4
"""For what should work at the second try: a fresh address, a new upload in place of one gone."""
FORBIDDEN: Final = 403
_NOT_THESE_BYTES: Final = {
    "checksum_mismatch",
    "size_mismatch",
    "BadDigest",
    "XAmzContentSHA256Mismatch",
}


class Digests:
    """The SHA-256 of a file's chunks, each taken once, on several threads."""

    def __init__(self, file: OpenFile, workers: Workers) -> None:
        self._file = file
        self._workers = workers
        self._known: list[bytes] = []

    def range(self, start: int, stop: int) -> list[bytes]:
        missing = range(len(self._known), stop)
        take = partial(blocks.digest, self._file.fd, self._file.size)
        self._known += self._workers.hashes.map(take, missing)
        return self._known[start:stop]

    def known(self, index: int) -> bytes:
        """One that was taken before."""
        return self._known[index]

    def content_hash(self) -> str:
        stop = blocks.count(self._file.size)
        for start in range(0, stop, LARGEST_BATCH):
            self.range(start, min(start + LARGEST_BATCH, stop))
        return blocks.content_hash(self._known)


@dataclass
class Upload:
    """A file on its way to `parent` under `name`. `sent`: bytes that went over the network."""

    server: Server
    workers: Workers
    parent: str
    name: str
    file: OpenFile
    digests: Digests
    item: Item
    sent: int = 0

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._id = ""
        self._counted: set[int] = set()

    def run(self) -> Entry:
        """The file as the server has it now.

        An upload that has ended meanwhile, or that somebody else began for a file with the same
        beginning, is begun anew: chunks that arrived are `have` in that one, too.
        """
        for _ in range(TRIES):
            try:
                return self._attempt()
            except Refused as refusal:
                if refusal.code == "chunk_conflict":
                    self._cancel()
                elif refusal.code != "upload_gone":
                    raise
                reason = refusal
        raise reason

    def _attempt(self) -> Entry:
        sent: list[int] = []
        with Flight(self.workers.chunks, WINDOW) as flight:
            for start, stop in _batches(blocks.count(self.file.size)):
                for slot in self._announce(start, stop):
                    if slot.put:
                        flight.add(self._send, slot)
                        sent.append(slot.index)
                    else:
                        self._count(slot)
                if len(sent) >= PAGE:
                    flight.land()
                    self._prove(sent)
                    sent = []
        return self._complete()

    def _announce(self, start: int, stop: int) -> list[Slot]:
        """Register a file, with its first chunks; or the next ones of it."""
        digests = self.digests.range(start, stop)
        size = self.file.size
        if start:
            page = self.server.add_chunks(self._id, size, start, digests)
        else:
            modified_at = self.file.modified_at
            text = None if modified_at is None else answers.timestamp(modified_at)
            page = self.server.register(self.parent, self.name, size, digests, text)
            self._id = page.upload_id
        return _just(page.slots, start, stop)

    def _send(self, slot: Slot) -> None:
        """Send one chunk. An address that is refused has probably expired; there are new ones."""
        for _ in range(TRIES):
            if slot.put is None:
                break
            try:
                pieces = partial(blocks.pieces, self.file.fd, self.file.size, slot.index)
                self.server.connection.put(slot.put, pieces, slot.size)
                break
            except Refused as refusal:
                if refusal.code == "PreconditionFailed":
                    break  # a bucket has it already: an answer was lost
                if refusal.code in _NOT_THESE_BYTES:
                    raise ChangedMeanwhile from refusal
                if refusal.status != FORBIDDEN:
                    raise
                reason = refusal
            slot = self._refreshed(slot.index)
        else:
            raise reason
        with self._lock:
            self.sent += slot.size if slot.put else 0
        self._count(slot)

    def _refreshed(self, index: int) -> Slot:
        digest = self.digests.known(index)
        page = self.server.add_chunks(self._id, self.file.size, index, [digest])
        return _just(page.slots, index, index + 1)[0]

    def _prove(self, sent: list[int]) -> None:
        """As they come: in a file of terabytes completing would take too long otherwise."""
        for start in range(0, len(sent), PAGE):
            self._send_again(self.server.prove(self._id, sent[start : start + PAGE]))

    def _send_again(self, indexes: Sequence[int]) -> None:
        with Flight(self.workers.chunks, WINDOW) as flight:
            for index in indexes:
                flight.add(self._send, self._refreshed(index))

    def _complete(self) -> Entry:
        """Make it a file; nothing has happened to it since it was opened, or it is refused."""
        for _ in range(TRIES):
            try:
                self.file.must_be_unchanged()
                entry = self.server.complete(self._id)
            except ChangedMeanwhile:
                self._cancel()  # gives back the room that is reserved for it
                raise
            except Refused as refusal:
                if refusal.code != "chunks_missing":
                    raise
                named = dict(refusal.facts)
                everything = range(blocks.count(self.file.size))
                self._send_again(indexes_in(named, "indexes", everything))
                reason = refusal
            else:
                if entry.content_hash != self.digests.content_hash():
                    raise BadAnswer("The server made another file of it than was sent.")
                return entry
        raise reason

    def _cancel(self) -> None:
        with suppress(ClientError):  # it expires by itself
            self.server.cancel(self._id)

    def _count(self, slot: Slot) -> None:
        """Progress, each chunk once: of an upload that is begun anew, most is there already."""
        with self._lock:
            if slot.index in self._counted:
                return
            self._counted.add(slot.index)
        self.item.advance(slot.size)


def _batches(count: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of the parts in which `count` chunks are announced; at least one, if empty."""
    start, size = 0, FIRST_BATCH
    while True:
        stop = min(start + size, count)
        yield start, stop
        if stop == count:
            return
        start, size = stop, min(2 * size, LARGEST_BATCH)


def _just(slots: list[Slot], start: int, stop: int) -> list[Slot]:
    """Those slots, when they are exactly the ones that were asked for."""
    if [slot.index for slot in slots] != list(range(start, stop)):
        raise BadAnswer("The server answered other chunks than those announced.")
    return slots
