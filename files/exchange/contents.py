"""The chunks' bytes on their way: from the nodes into an export, from an export onto other nodes.

In an export they lie as on a node, sealed under the exporting installation's master key, so that an
export that is lost or copied gives nothing away. Each byte is hashed where it arrives.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from django.conf import settings

from files.chunkstore.backend import Backend
from files.chunkstore.backends import local
from files.chunkstore.backends.local import LocalBackend
from files.chunkstore.errors import ChunkAbsent, ChunkStoreError, KeyMissing
from files.chunkstore.keyring import KeyRing
from files.chunkstore.registry import node
from files.chunkstore.sealed import Sealed
from files.content.placement import Candidates
from files.exchange.manifest import ExchangeError
from files.models import Chunk, Replica
from rapidserve.db import current_time

NODE: Final = "export"


def prepare(directory: Path) -> None:
    """Make the place for chunks in an export. NodeError when something else is there."""
    local.setup(directory / "chunks", NODE)


def shelf(directory: Path) -> Backend:
    """The export's chunks."""
    ring = KeyRing(settings.MASTER_KEYS)
    return Sealed(LocalBackend(NODE, directory / "chunks"), ring, seal_new=bool(ring))


def take(chunk: Chunk, into: Backend) -> None:
    """Copy a chunk into an export. One that is there already was proven when it came."""
    if _is_there(chunk, into):
        return
    copies = Replica.objects.filter(chunk=chunk).order_by("verified_at", "id")
    problems = []
    for name in copies.values_list("node", flat=True):
        try:
            _copy(chunk, node(name), into)
        except ChunkStoreError as error:
            problems.append(str(error))
        else:
            return
    why = " ".join(problems) or "There is no copy of it."
    raise ExchangeError(
        f"Chunk {chunk.key} can't be copied: {why} `manage.py verify --deep` names its files."
    )


def put(chunk: Chunk, source: Backend, candidates: Candidates) -> Replica:
    """Copy a chunk from an export to a node of its own choice; the row of the copy."""
    chunk.node = candidates.choose(chunk.key)
    try:
        _copy(chunk, source, node(chunk.node))
    except KeyMissing as error:
        raise ExchangeError(
            f"{error} Add the master keys of the installation that was exported to"
            " RAPIDSERVE_MASTER_KEYS, behind your own."
        ) from error
    except ChunkStoreError as error:
        raise ExchangeError(f"Chunk {chunk.key} can't be copied: {error}") from error
    return Replica(
        chunk=chunk,
        node=chunk.node,
        verified_at=current_time(),
        verified_how=Replica.VerifiedHow.HASHED,
    )


def check_present(chunks: Iterable[Chunk], source: Backend) -> None:
    """ExchangeError for a chunk that an export should hold and does not, or not whole."""
    for chunk in chunks:
        if not _is_there(chunk, source):
            raise ExchangeError(f"The export lacks chunk {chunk.key}. Copy it again, all of it.")


def _is_there(chunk: Chunk, backend: Backend) -> bool:
    try:
        return backend.stat(chunk.key).size == chunk.size
    except ChunkAbsent:
        return False


def _copy(chunk: Chunk, source: Backend, target: Backend) -> None:
    """Proven by its hash where it arrives, so that nothing else can get there."""
    writer = target.writer(chunk.key, size=chunk.size, sha256=chunk.sha256)
    try:
        for block in source.read(chunk.key):
            writer.write(block)
        writer.commit()
    finally:
        writer.abort()
