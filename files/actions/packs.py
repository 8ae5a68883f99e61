"""Packs: many small files that come in one request and share one chunk.

A pack is an upload of its own, without a name, whose one chunk holds the bytes of its files one
after the other. It goes the way of every upload (announced, stored, proven), so a crash leaves what
an abandoned upload leaves. In the end its version makes way for those of the files, each of which
has one extent into that chunk.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from files.access.actor import Actor
from files.access.lookup import upload_for, upload_gone, writable_parent
from files.actions import quota
from files.actions.tree import (
    add_folder,
    checked_name,
    free_name,
    live_child,
    name_taken,
    place_in,
    refuse_deep,
)
from files.actions.uploads import expire, guessed_type, place_of
from files.actions.versions import last_number, make_current
from files.chunkstore.chunk import CHUNK_SIZE, content_hash
from files.content.footprint import own_bytes
from files.content.placement import Candidates
from files.content.topology import available_nodes
from files.content.writer import ChunkSpec, add_extents, prove, slots, store
from files.journal.append import append, append_all
from files.models import Change, Entry, Extent, Upload, Version
from files.names import keys_of, name_key
from rapidserve.crashpoints import crash_point
from rapidserve.db import current_time, new_id, run_atomic, update_if
from rapidserve.errors import Conflict, Invalid, RapidServeError, TooLarge, Unavailable

MAX_FILES: Final = 1000
MAX_BYTES: Final = CHUNK_SIZE
IDLE: Final = timedelta(hours=1)
"""How long what a crash left holds its room. Nobody can come back to it."""


@dataclass(frozen=True, slots=True)
class PackedFile:
    """What a client says of one file. `path`: the folders below the pack's, as in `a/b`."""

    name: str
    size: int
    sha256: str
    path: str = ""
    content_type: str = ""
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A file that can be made: its `number` in the request, `offset` and bytes in the chunk."""

    number: int
    file: PackedFile
    folders: tuple[str, ...]
    name: str
    offset: int
    content: memoryview


Outcome = Entry | RapidServeError


def store_pack(
    *,
    actor: Actor,
    parent_id: UUID,
    files: Sequence[PackedFile],
    data: memoryview,
    on_conflict: str = Upload.OnConflict.VERSION,
) -> list[Outcome]:
    """Make every file that can be made: for each one, in order, its entry or what is wrong with it.

    `data` holds their bytes one after the other. What concerns the pack as a whole is raised:
    TooLarge, Invalid(size_mismatch), StorageFull, and what `writable_parent` says of the folder.
    Files that were made are acknowledged like completed uploads.
    """
    _refuse_whole(files, data)
    placed, refused = _place(files, data)
    chunk = b"".join(item.content for item in placed)
    candidates = available_nodes()
    upload = run_atomic(lambda: _announce(actor, parent_id, chunk, candidates))
    crash_point("pack.announced")
    try:
        _send(upload, chunk)
        crash_point("pack.stored")
        made = run_atomic(lambda: _make(actor, upload.id, placed, on_conflict))
    except BaseException:  # whatever it was, the room is given back now, not in an hour
        expire(upload)
        raise
    crash_point("pack.committed")
    outcomes = refused | made
    return [outcomes[number] for number in range(len(files))]


def _refuse_whole(files: Sequence[PackedFile], data: memoryview) -> None:
    if len(files) > MAX_FILES or len(data) > MAX_BYTES:
        raise TooLarge(
            f"A pack takes up to {MAX_FILES} files of {MAX_BYTES} bytes together.",
            code="pack_too_large",
            facts={"limit": MAX_FILES if len(files) > MAX_FILES else MAX_BYTES},
        )
    expected = sum(file.size for file in files)
    if expected != len(data):
        raise Invalid(
            f"The files have {expected} bytes together, and {len(data)} were sent.",
            code="size_mismatch",
            field="files",
            facts={"expected": expected},
        )


def _place(
    files: Sequence[PackedFile], data: memoryview
) -> tuple[list[Placed], dict[int, Outcome]]:
    """Which files arrived whole under a possible name; what is wrong with the others."""
    placed: list[Placed] = []
    refused: dict[int, Outcome] = {}
    start = offset = 0
    for number, file in enumerate(files):
        content = data[start : start + file.size]
        start += file.size
        try:
            name = checked_name(file.name)
            folders = tuple(checked_name(part) for part in file.path.split("/") if file.path)
            _refuse_other_bytes(file, content)
        except Invalid as error:
            refused[number] = error
            continue
        placed.append(Placed(number, file, folders, name, offset, content))
        offset += file.size
    return placed, refused


def _refuse_other_bytes(file: PackedFile, content: memoryview) -> None:
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise Invalid(
            "The bytes do not have the SHA-256 that was stated.", code="checksum_mismatch"
        )


def _announce(actor: Actor, parent_id: UUID, chunk: bytes, candidates: Candidates) -> Upload:
    """The pack's own upload. Its empty name can't be registered, so nobody resumes it."""
    parent = writable_parent(actor, parent_id)
    size = len(chunk)
    quota.reserve(parent.space_id, size)
    now = current_time()
    version = Version.objects.create(
        space_id=parent.space_id,
        state=Version.State.PENDING,
        size=size,
        content_type="application/octet-stream",
        created_at=now,
        created_by=actor.user,
    )
    upload = Upload.objects.create(
        version=version,
        space_id=parent.space_id,
        parent=parent,
        entry_id=new_id(),
        name="",
        name_key="",
        on_conflict=Upload.OnConflict.FAIL,
        actor=actor.user,
        size=size,
        reserved_bytes=size,
        expires_at=now + IDLE,
    )
    if size:
        spec = ChunkSpec(hashlib.sha256(chunk).hexdigest(), size)
        add_extents(upload, 0, [spec], reusable={}, candidates=candidates)
    return upload


def _send(upload: Upload, chunk: bytes) -> None:
    for slot in slots(upload, 0, 1):
        store(slot, chunk)
        if prove(upload, [slot.index]):
            raise Unavailable(
                "The storage can't be reached.", code="storage_unavailable", retry_after=5
            )


def _make(
    actor: Actor, upload_id: UUID, placed: Sequence[Placed], on_conflict: str
) -> dict[int, Outcome]:
    """All entries in one transaction; the pack's own rows go in the same one, so that at every
    moment an extent refers to the chunk."""
    still_open = Upload.objects.filter(id=upload_id, state=Upload.State.OPEN)
    if not update_if(still_open, state=Upload.State.COMPLETED):
        raise upload_gone(upload_for(actor, upload_id))
    upload = upload_for(actor, upload_id)
    parent = place_of(actor, upload)
    version = Version.objects.get(id=cast("UUID", upload.version_id))  # until an upload ends
    stored = own_bytes(version)
    filling = _Filling(actor, version, on_conflict)
    by_folder: dict[tuple[str, ...], list[Placed]] = defaultdict(list)
    for item in placed:
        by_folder[item.folders].append(item)
    for folders, items in by_folder.items():
        filling.fill(parent, folders, items)
    _dissolve(upload, version)
    quota.release(upload.space_id, upload.reserved_bytes)
    quota.spend(upload.space_id, filling.spent, stored if filling.spent else 0)
    crash_point("pack.writing")
    return filling.outcomes


def _dissolve(upload: Upload, version: Version) -> None:
    Extent.objects.filter(version=version).delete()
    Upload.objects.filter(id=upload.id).delete()
    Version.objects.filter(id=version.id).delete()


class _Filling:
    """The files of one pack, made folder by folder. In one transaction, which it lives in."""

    def __init__(self, actor: Actor, pack: Version, on_conflict: str) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.spent = 0
        self._actor = actor
        self._on_conflict = on_conflict
        extent = Extent.objects.filter(version=pack).select_related("chunk").first()
        self._chunk = extent.chunk if extent else None

    def fill(self, parent: Entry, folders: tuple[str, ...], items: Sequence[Placed]) -> None:
        """Make the files that go into the folder `folders` below `parent`."""
        try:
            shortest = min((item.name for item in items), key=lambda name: len(name.encode()))
            folder = _folder(self._actor, parent, folders, shortest)
        except RapidServeError as error:
            self.outcomes |= dict.fromkeys((item.number for item in items), error)
            return
        free, others = self._split(folder, items)
        self._add(folder, [(item, item.name) for item in free])
        for item in others:
            try:
                self._settle(folder, item)
            except Conflict as error:
                self.outcomes[item.number] = error

    def _split(self, folder: Entry, items: Sequence[Placed]) -> tuple[list[Placed], list[Placed]]:
        """Those whose name is free, and those that meet another; what is too deep is refused."""
        depth, size = place_in(folder)
        wanted = {name_key(item.name) for item in items}
        taken = set(
            Entry.objects.filter(parent=folder, live=True, name_key__in=wanted).values_list(
                "name_key", flat=True
            )
        )
        free: list[Placed] = []
        others: list[Placed] = []
        for item in items:
            try:
                refuse_deep(depth, size + len(item.name.encode()))
            except Invalid as error:
                self.outcomes[item.number] = error
                continue
            key = name_key(item.name)
            (others if key in taken else free).append(item)
            taken.add(key)  # the second of two with one name meets the first
        return free, others

    def _settle(self, folder: Entry, item: Placed) -> None:
        """Decide by `on_conflict` what a taken name means. Conflict(name_taken)."""
        other = live_child(folder, item.name)
        if self._on_conflict == Upload.OnConflict.RENAME or other is None:
            self._add(folder, [(item, free_name(folder, item.name))])
        elif self._on_conflict == Upload.OnConflict.FAIL or other.is_folder:
            raise name_taken(other)
        else:
            self._add_version(other, item)

    def _add(self, folder: Entry, named: Sequence[tuple[Placed, str]]) -> None:
        """New files, some rows at a time."""
        now = current_time()
        entries = [self._entry(folder, item, name, now) for item, name in named]
        versions = [
            self._version(entry, item, 1, now)
            for entry, (item, _) in zip(entries, named, strict=True)
        ]
        for entry, version in zip(entries, versions, strict=True):
            entry.current_version_id = version.id
        Entry.objects.bulk_create(entries)
        self._write(versions, [item for item, _ in named])
        append_all(Change.Type.CREATED, entries, actor_id=self._actor.id)
        for entry, (item, _) in zip(entries, named, strict=True):
            self.outcomes[item.number] = entry

    def _add_version(self, entry: Entry, item: Placed) -> None:
        version = self._version(entry, item, last_number(entry) + 1, current_time())
        self._write([version], [item])
        make_current(entry, version, actor_id=self._actor.id)
        entry.modified_by = self._actor.user
        append(Change.Type.UPDATED, entry, actor_id=self._actor.id)
        self.outcomes[item.number] = entry

    def _write(self, versions: Sequence[Version], items: Sequence[Placed]) -> None:
        Version.objects.bulk_create(versions)
        Extent.objects.bulk_create(
            Extent(
                version=version,
                index=0,
                chunk=self._chunk,
                offset=item.offset,
                length=item.file.size,
                sha256=item.file.sha256,
                space_id=version.space_id,
            )
            for version, item in zip(versions, items, strict=True)
            if item.file.size
        )
        self.spent += sum(version.size for version in versions)

    def _entry(self, folder: Entry, item: Placed, name: str, now: datetime) -> Entry:
        return Entry(
            id=new_id(),
            space=folder.space,
            parent=folder,
            type=Entry.Type.FILE,
            **keys_of(name),
            size=item.file.size,
            content_type=item.file.content_type or guessed_type(name),
            content_hash=_content_hash(item.file),
            created_at=now,
            created_by=self._actor.user,
            modified_at=item.file.modified_at or now,
            modified_by=self._actor.user,
        )

    def _version(self, entry: Entry, item: Placed, number: int, now: datetime) -> Version:
        return Version(
            id=new_id(),
            entry=entry,
            space_id=entry.space_id,
            state=Version.State.COMMITTED,
            number=number,
            size=item.file.size,
            content_hash=_content_hash(item.file),
            content_type=item.file.content_type or guessed_type(item.name),
            modified_at=item.file.modified_at,
            created_at=now,
            created_by=self._actor.user,
        )


def _folder(actor: Actor, parent: Entry, names: tuple[str, ...], shortest: str) -> Entry:
    """The folder `names` below `parent`, made if need be. `shortest` of the files' names: where
    not even that one has room, no folder is made for it.

    Conflict(not_a_folder), Invalid(path_too_deep), both before anything was made.
    """
    folder = parent
    for level, name in enumerate(names):
        child = live_child(folder, name)
        if child is None:
            return _add_folders(actor, folder, names[level:], shortest)
        if not child.is_folder:
            raise Conflict(
                "A file stands where the path needs a folder.", code="not_a_folder", field="path"
            )
        folder = child
    return folder


def _add_folders(actor: Actor, folder: Entry, names: tuple[str, ...], shortest: str) -> Entry:
    depth, size = place_in(folder)
    refuse_deep(depth + len(names), size + len("/".join((*names, shortest)).encode()))
    for name in names:
        folder = add_folder(actor, folder, name)
    return folder


def _content_hash(file: PackedFile) -> str:
    return content_hash([file.sha256] if file.size else [])
