"""Compares the rows with one another and with what lies on the nodes. Repairs nothing.

Safe beside a running server: a file may be completed, moved or removed between two queries, so what
belongs together is read in one statement or transaction, and what looks wrong is looked for again
before it is told.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db.models import Count, Max, Min, QuerySet, Sum

from files.access.policy import ancestors
from files.chunkstore.chunk import chunk_count, chunk_length, content_hash
from files.chunkstore.errors import ChunkAbsent, ChunkDamaged
from files.chunkstore.registry import node, nodes
from files.content.footprint import counted_again
from files.models import Change, Chunk, Entry, Extent, JournalHead, Replica, Space, Upload, Version
from files.names import search_key
from rapidserve.db import UUIDModel, current_time, run_atomic

PAGE = 1000
FILES_NAMED = 20
"""Of the files that one damaged chunk belongs to; the rest are counted."""

Row = TypeVar("Row", bound=UUIDModel)


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` is one line for an operator, naming files.

    A leftover (`is_damage` False) takes room until a sweeper comes by; no file suffers from it.
    """

    text: str
    is_damage: bool = True


def verify(*, deep: bool = False) -> Iterator[Finding]:
    """Everything that is wrong, as it is found. `deep` reads and hashes every copy of every chunk.

    NodeError when a node can't be asked (unmounted, not in the settings, its key missing): what it
    holds must not be called lost. DatabaseError likewise.
    """
    for space in Space.objects.filter(live=True).order_by("id"):
        yield from _space_findings(space.id)
    yield from _duplicate_names()
    for entry in _rows(Entry.objects.select_related("parent", "current_version")):
        yield from (_about(entry, text) for text in _entry_problems(entry))
    for version in _rows(Version.objects.filter(state=Version.State.COMMITTED)):
        yield from _version_findings(version)
    for chunk in _rows(Chunk.objects.filter(state__in=(Chunk.State.LIVE, Chunk.State.CONDEMNED))):
        yield from _chunk_findings(chunk, deep=deep)
    for name in nodes():
        yield from _strays(name)
    yield from _unfinished()


def _rows(rows: QuerySet[Row]) -> Iterator[Row]:
    """All rows in order of id, a page at a time: no query is open while the caller works."""
    after = UUID(int=0)
    while page := list(rows.filter(id__gt=after).order_by("id")[:PAGE]):
        yield from page
        after = page[-1].id


def _space_findings(space_id: UUID) -> list[Finding]:
    """In one transaction: the counters change together with the rows they count."""

    def look() -> list[str]:
        space = Space.objects.filter(id=space_id, live=True).first()
        if space is None:  # deleted since
            return []
        problems = list(_counter_problems(space))
        if not Entry.objects.filter(id=space.root, type=Entry.Type.FOLDER, parent=None).exists():
            problems.append("has no top folder")
        problems += _journal_problems(space)
        return [f"The space {space.name} {problem}." for problem in problems]

    return [Finding(text) for text in run_atomic(look)]


def _counter_problems(space: Space) -> Iterator[str]:
    committed = Version.objects.filter(space=space, state=Version.State.COMMITTED)
    uploads = Upload.objects.filter(space=space, state=Upload.State.OPEN)
    for what, kept, found in (
        ("used", space.used_bytes, committed.aggregate(total=Sum("size"))["total"] or 0),
        ("stored", space.stored_bytes, counted_again(space)),
        (
            "reserved",
            space.reserved_bytes,
            uploads.aggregate(total=Sum("reserved_bytes"))["total"] or 0,
        ),
    ):
        if kept != found:
            yield f"counts {kept} bytes as {what}, and there are {found}"


def _journal_problems(space: Space) -> list[str]:
    head = JournalHead.objects.filter(space=space).values_list("seq", flat=True).first()
    if head is None:
        return ["has no journal"]
    lines = Change.objects.filter(space=space).aggregate(
        count=Count("id"), first=Min("seq"), last=Max("seq")
    )
    last = lines["last"] or 0
    gaps = lines["count"] and lines["count"] != last - lines["first"] + 1
    if gaps or last != head:
        return [f"has gaps in its journal: {lines['count']} lines, the last is {last} of {head}"]
    return []


def _duplicate_names() -> Iterator[Finding]:
    taken = Entry.objects.filter(live=True).exclude(parent=None).values("parent_id", "name_key")
    twice = taken.annotate(count=Count("id")).filter(count__gt=1).order_by("parent_id", "name_key")
    for row in twice:
        rows = Entry.objects.filter(
            parent_id=row["parent_id"], name_key=row["name_key"], live=True
        ).select_related("parent")
        entries = list(rows)
        if len(entries) > 1:
            yield _about(entries[0], f"shares its name with {len(entries) - 1} more in its folder")


def _entry_problems(entry: Entry) -> Iterator[str]:
    parent = entry.parent
    if entry.search_key != search_key(entry.name):
        yield "can't be found by its name"
    if parent is None:
        if entry.parent_id is not None:
            yield "lies in a folder that is missing"
        elif not Space.objects.filter(root=entry.id).exists() and _is_there(entry):
            yield "lies in no folder"
    elif not parent.is_folder or parent.space_id != entry.space_id:
        yield "lies in something that is no folder of its space"
    if entry.is_folder:
        above = parent.path if parent else "/"
        if entry.path != f"{above}{entry.id.hex}/":
            yield "has a wrong path"
    elif entry.purged_at is None:
        yield from _current_problems(entry)


def _is_there(entry: Entry) -> bool:
    """Else it went with its space since its page was read."""
    return Entry.objects.filter(id=entry.id).exists()


def _current_problems(file: Entry) -> Iterator[str]:
    version = file.current_version
    if version is None:
        yield "has no current version"
    elif version.state != Version.State.COMMITTED or version.entry_id != file.id:
        yield "has a current version that is not one of its own"
    elif (file.size, file.content_hash) != (version.size, version.content_hash):
        yield "repeats another size or content hash than its current version has"


def _version_findings(version: Version) -> list[Finding]:
    problems = list(_version_problems(version))
    # A version and its extents go in one transaction: if it is there now, they were there before.
    if problems and Version.objects.filter(id=version.id).exists():
        name = _name_of_version(version)
        return [Finding(f"{name}: {problem}.") for problem in problems]
    return []


def _version_problems(version: Version) -> Iterator[str]:
    if version.entry_id is None or not Entry.objects.filter(id=version.entry_id).exists():
        yield "it belongs to no file"
    extents = Extent.objects.filter(version=version).order_by("index")
    count = 0
    while page := list(extents.filter(index__gte=count)[:PAGE]):
        chunks = Chunk.objects.in_bulk({extent.chunk_id for extent in page})
        for extent in page:
            if extent.index != count:
                yield f"chunk {count} of the list is missing"
                return
            count += 1
            yield from _extent_problems(version, extent, chunks.get(extent.chunk_id))
    if count != chunk_count(version.size):
        yield f"it has {count} chunks, and {version.size} bytes need another number"
    elif content_hash(extents.values_list("sha256", flat=True).iterator()) != version.content_hash:
        yield "its content hash is not that of its chunks"


def _extent_problems(version: Version, extent: Extent, chunk: Chunk | None) -> Iterator[str]:
    if extent.length != chunk_length(version.size, extent.index):
        yield f"chunk {extent.index} has a wrong length in the list"
    if chunk is None:
        yield f"the row of chunk {extent.index} is missing"
        return
    if chunk.state in {Chunk.State.PENDING, Chunk.State.DOOMED}:
        yield f"chunk {extent.index} is {chunk.state}, though a file needs it"
    if extent.offset + extent.length > chunk.size:
        yield f"chunk {extent.index} is shorter than what the file needs of it"
    if (extent.offset, extent.length) == (0, chunk.size) and extent.sha256 != chunk.sha256:
        yield f"chunk {extent.index} has another SHA-256 than the list says"


def _chunk_findings(chunk: Chunk, *, deep: bool) -> list[Finding]:
    problems = list(_chunk_problems(chunk, deep=deep))
    # Looked for again: a collector may have removed it meanwhile, object first.
    kept = (Chunk.State.LIVE, Chunk.State.CONDEMNED)
    if problems and Chunk.objects.filter(id=chunk.id, state__in=kept).exists():
        users = _users_of(chunk)
        return [Finding(f"{users}: {problem}.") for problem in problems]
    return []


def _chunk_problems(chunk: Chunk, *, deep: bool) -> Iterator[str]:
    copies = list(Replica.objects.filter(chunk=chunk).values_list("node", flat=True))
    if not copies and chunk.state == Chunk.State.LIVE:
        yield f"chunk {chunk.key} is said to be stored, but nowhere"
    for name in copies:
        try:
            size = node(name).stat(chunk.key).size
            if size != chunk.size:
                yield f"chunk {chunk.key} has {size} bytes on {name} instead of {chunk.size}"
            elif deep and _hash_of(chunk, name) != chunk.sha256:
                yield f"chunk {chunk.key} has other content on {name} than was stored"
        except ChunkAbsent:
            yield f"chunk {chunk.key} is missing on {name}"
        except ChunkDamaged:
            yield f"chunk {chunk.key} is damaged on {name}"


def _hash_of(chunk: Chunk, name: str) -> str:
    digest = hashlib.sha256()
    for block in node(name).read(chunk.key):
        digest.update(block)
    return digest.hexdigest()


def _strays(name: str) -> Iterator[Finding]:
    """Objects that no row knows. Their rows were committed first, so they come from the past."""
    stored = node(name).list()
    while keys := [found.key for found in islice(stored, PAGE)]:
        known = set(Chunk.objects.filter(key__in=keys).values_list("key", flat=True))
        for key in keys:
            if key not in known:
                yield Finding(f"The object {key} on {name} belongs to nothing.", is_damage=False)


def _unfinished() -> Iterator[Finding]:
    open_uploads = Upload.objects.filter(state=Upload.State.OPEN)
    pending = Version.objects.filter(state=Version.State.PENDING)
    counts = {
        "chunks were condemned by a collector": Chunk.objects.filter(state=Chunk.State.CONDEMNED),
        "chunks are doomed and not yet deleted": Chunk.objects.filter(state=Chunk.State.DOOMED),
        "chunks are needed by nothing": Chunk.objects.filter(extents=None),
        "uploads are overdue": open_uploads.filter(expires_at__lt=current_time()),
        "uploads ended and still hold chunks": pending.exclude(upload__state=Upload.State.OPEN),
        "entries are half removed": Entry.objects.exclude(purged_at=None),
        "spaces are half removed": Space.objects.filter(live=False),
    }
    for what, rows in counts.items():
        if count := rows.count():
            yield Finding(f"{count} {what}.", is_damage=False)


def _about(entry: Entry, problem: str) -> Finding:
    return Finding(f"{_name_of(entry)} {problem}.")


def _users_of(chunk: Chunk) -> str:
    """The files that lose something with this chunk, by name."""
    ids = Extent.objects.filter(chunk=chunk).values_list("version_id", flat=True).distinct()
    versions = Version.objects.filter(id__in=list(ids), state=Version.State.COMMITTED)
    named = [_name_of_version(version) for version in versions.order_by("id")[:FILES_NAMED]]
    more = versions.count() - len(named)
    if not named:
        return "No file"
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _name_of_version(version: Version) -> str:
    file = Entry.objects.select_related("space", "parent").filter(versions=version).first()
    return f"{_name_of(file) if file else 'A lost file'} (version {version.number}, {version.id})"


def _name_of(entry: Entry) -> str:
    """As people know it: the space, and the names from its top folder down."""
    above = ancestors(entry)
    names = dict(Entry.objects.filter(id__in=above).values_list("id", "name"))
    path = [names.get(folder_id, "?") for folder_id in above[1:]] + [entry.name]
    return f"{entry.space.name}:/{'/'.join(path)}"
