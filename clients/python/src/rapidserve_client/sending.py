"""What threads do for `put`: send one file, or many small ones in one request."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from rapidserve_client import answers, blocks
from rapidserve_client.answers import Entry
from rapidserve_client.errors import ClientError, LocalTrouble, NotSignedIn, Refused
from rapidserve_client.report import Report
from rapidserve_client.server import MAX_PACK_BYTES, MAX_PACK_FILES, PackedFile, Server
from rapidserve_client.sources import OpenFile
from rapidserve_client.uploads import Digests, Upload
from rapidserve_client.workers import Workers

PACKED_BELOW: Final = 256 * 1024
"""Bytes. Smaller files go in packs: three calls for each would cost more than their bytes."""
MAX_HEAD: Final = 512 * 1024
"""Bytes of names and facts in a pack, about: the server reads as much as 1 MiB of them."""
FACTS_BYTES: Final = 256
_NO_PACKS: Final = {404, 405, 415}

Opener = Callable[[], AbstractContextManager[OpenFile]]


@dataclass
class Sender:
    """What all files of one command share. `checksum`: believe contents only."""

    server: Server
    workers: Workers
    report: Report
    checksum: bool
    takes_packs: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """One file. `path`: where `folder` is below the folder of a pack, as in `a/b`. `there`: what
    the server has under its name. `size`: as it was when it was found.
    """

    sender: Sender
    label: str
    opener: Opener
    size: int
    name: str
    folder: Entry
    path: str
    there: Entry | None

    def send(self) -> None:
        """Send it on its own."""
        self._guarded(self._send)

    def read(self) -> tuple[OpenFile, bytes] | None:
        """Its facts and bytes, to be packed; None when there is nothing to send, or it failed."""
        found: list[tuple[OpenFile, bytes]] = []

        def read(file: OpenFile) -> None:
            if self._is_there(file, Digests(file, self.sender.workers)):
                self._was_there()
                return
            content = b"".join(
                piece
                for index in range(blocks.count(file.size))
                for piece in blocks.pieces(file.fd, file.size, index)
            )
            file.must_be_unchanged()
            found.append((file, content))

        self._guarded(read)
        return found[0] if found else None

    def arrived(self, sent: int) -> None:
        self._show()
        self.sender.report.succeeded(self.label, sent)

    def failed(self, error: ClientError) -> None:
        self.sender.report.failed(self.label, error)

    def _guarded(self, deal_with: Callable[[OpenFile], None]) -> None:
        try:
            with self.opener() as file:
                deal_with(file)
        except ClientError as error:
            self.failed(error)
        except OSError as error:
            self.failed(LocalTrouble.of(error))

    def _send(self, file: OpenFile) -> None:
        sender = self.sender
        digests = Digests(file, sender.workers)
        if self._is_there(file, digests):
            self._was_there()
            return
        item = sender.report.display.begin(self.label, file.size)
        try:
            upload = Upload(
                sender.server, sender.workers, self.folder.id, self.name, file, digests, item
            )
            upload.run()
            sender.report.succeeded(self.label, upload.sent)
        finally:
            item.end()

    def _is_there(self, file: OpenFile, digests: Digests) -> bool:
        """Size and time decide when both are equal, as with rsync; else the contents."""
        if self.there is None or self.there.size != file.size:
            return False
        is_dated = file.modified_at is not None and self.there.modified_at == file.modified_at
        if is_dated and not self.sender.checksum:
            return True
        return digests.content_hash() == self.there.content_hash

    def _was_there(self) -> None:
        self._show()
        self.sender.report.was_there()

    def _show(self) -> None:
        """Progress, for what is dealt with all at once."""
        item = self.sender.report.display.begin(self.label, self.size)
        item.advance(self.size)
        item.end()


@dataclass
class Pack:
    """Small files for one request; they go below the folder `top`."""

    sender: Sender
    top: Entry
    jobs: list[Job] = field(default_factory=list)
    size: int = 0
    head: int = 0

    def has_room(self, job: Job) -> bool:
        return (
            len(self.jobs) < MAX_PACK_FILES
            and self.size + job.size <= MAX_PACK_BYTES
            and self.head + _head(job) <= MAX_HEAD
        )

    def add(self, job: Job) -> None:
        self.jobs.append(job)
        self.size += job.size
        self.head += _head(job)

    def send(self) -> None:
        """Send what differs from what is there. A file that the pack can't take goes alone, and so
        do all of a pack that is refused whole: then each one says for itself what is wrong.
        """
        packed = self._read()
        if not packed:
            return
        try:
            results = self.sender.server.pack(self.top.id, [file for _, file in packed])
        except NotSignedIn:
            raise
        except Refused as refusal:
            if refusal.status in _NO_PACKS:
                self.sender.takes_packs = False
            self._send_alone([job for job, _ in packed])
            return
        for (job, file), result in zip(packed, results, strict=True):
            if isinstance(result, Refused):
                job.failed(result)
            else:
                job.arrived(len(file.content))

    def _read(self) -> list[tuple[Job, PackedFile]]:
        packed: list[tuple[Job, PackedFile]] = []
        if not self.sender.takes_packs:
            self._send_alone(self.jobs)
            return packed
        room = MAX_PACK_BYTES
        for job in self.jobs:
            read = job.read()
            if read is None:
                continue
            file, content = read
            if len(content) > room:  # it has grown since it was found
                job.send()
                continue
            room -= len(content)
            packed.append((job, _packed(job, file, content)))
        return packed

    def _send_alone(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            job.send()


def _packed(job: Job, file: OpenFile, content: bytes) -> PackedFile:
    modified_at = None if file.modified_at is None else answers.timestamp(file.modified_at)
    digest = hashlib.sha256(content).digest()
    return PackedFile(job.name, job.path, content, digest, modified_at)


def _head(job: Job) -> int:
    """Bytes that it takes in the head of a pack, where six stand for a letter beyond ASCII."""
    return 6 * (len(job.name) + len(job.path)) + FACTS_BYTES
