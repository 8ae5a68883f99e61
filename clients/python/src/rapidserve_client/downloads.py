"""One file from the server: every chunk verified before it is written, whole before it has a name.

A download that was killed goes on by itself: what the unfinished file holds is hashed and compared
with what the server announces now. So nothing of another version can get into it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from rapidserve_client import blocks
from rapidserve_client.answers import Entry, ManifestPage, RemoteChunk
from rapidserve_client.connection import Connection
from rapidserve_client.errors import Damaged, Refused
from rapidserve_client.progress import Item
from rapidserve_client.server import Server
from rapidserve_client.targets import Folder, Part
from rapidserve_client.workers import Flight, Workers

TRIES: Final = 4
"""For a chunk whose bytes are wrong or whose address is refused; each with a fresh address."""
WINDOW: Final = 64
"""Chunks waiting or being fetched, at most. Only those being fetched are held in memory."""
FORBIDDEN: Final = 403


@dataclass
class Download:
    """A file on its way from the server. `received`: bytes that came over the network."""

    server: Server
    workers: Workers
    entry: Entry
    item: Item
    received: int = 0

    def run(self, folder: Folder, name: str) -> None:
        """Fetch into `folder` under `name`. Damaged when the server's bytes are not the file's."""
        digests = hashlib.sha256()
        with folder.part(name, self.entry.size) as part:
            for page in self._pages():
                self._fetch_page(page, part)
                for chunk in page.chunks:
                    digests.update(chunk.sha256)
            if digests.hexdigest() != self.entry.content_hash:
                raise Damaged("Its chunks don't make up the file that the server lists.")
            part.finish(self.entry.modified_at)

    def _pages(self) -> Iterator[ManifestPage]:
        start: int | None = 0
        while start is not None:
            page = self._manifest(start)
            yield page
            start = page.next

    def _manifest(self, start: int, **limit: int) -> ManifestPage:
        """Of the one version that was listed: a later one must not be mixed into it."""
        version = self.entry.version
        page = self.server.manifest(self.entry.id, version=version, start=start, **limit)
        if (page.size, page.content_hash) != (self.entry.size, self.entry.content_hash):
            raise Damaged("The server says one thing of it in the list and another here.")
        return page

    def _fetch_page(self, page: ManifestPage, part: Part) -> None:
        """All chunks of one page that the part does not hold yet."""
        kept = self.workers.hashes.map(partial(_is_kept, part), page.chunks)
        missing = [chunk for chunk, is_kept in zip(page.chunks, kept, strict=True) if not is_kept]
        wanted = sum(chunk.size for chunk in missing)
        self.item.advance(sum(chunk.size for chunk in page.chunks) - wanted)
        with Flight(self.workers.chunks, WINDOW) as flight:
            for chunk in missing:
                flight.add(self._fetch, chunk, part)
        self.received += wanted

    def _fetch(self, chunk: RemoteChunk, part: Part) -> None:
        """Wrong bytes are asked for again: they may have been altered on the way."""
        connection: Connection = self.server.connection
        for attempt in range(TRIES):
            if attempt:
                chunk = self._refreshed(chunk)
            try:
                data = connection.fetch(chunk.url, chunk.size, self.item.advance)
            except Refused as refusal:
                if refusal.status != FORBIDDEN:
                    raise
                reason: Refused | Damaged = refusal
                continue
            if hashlib.sha256(data).digest() == chunk.sha256:
                part.write(chunk.index, data)
                return
            self.item.advance(-chunk.size)
            reason = Damaged(
                f"Chunk {chunk.index} is not what it should be: its bytes do not have the SHA-256"
                " that the server announced. The file was not written."
            )
        raise reason

    def _refreshed(self, chunk: RemoteChunk) -> RemoteChunk:
        (fresh,) = self._manifest(chunk.index, limit=1).chunks
        if fresh.sha256 != chunk.sha256:
            raise Damaged("The server announces other hashes than before.")
        return fresh


def _is_kept(part: Part, chunk: RemoteChunk) -> bool:
    if not part.may_hold(chunk.index):
        return False
    return blocks.digest(part.fd, part.size, chunk.index) == chunk.sha256
