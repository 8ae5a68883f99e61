"""Versions: commit a pending one under a name, and bring an old one back."""

from collections.abc import Iterator
from typing import cast
from uuid import UUID

from files.access.actor import Actor
from files.access.lookup import file_for, version_for
from files.access.roles import Permission
from files.actions import quota
from files.actions.tree import free_name, live_child, name_taken, update_entry
from files.chunkstore.chunk import content_hash
from files.content.footprint import own_bytes
from files.journal.append import append
from files.models import Change, Entry, Extent, Upload, Version
from files.names import keys_of
from rapidserve.db import current_time, new_id, run_atomic, update_if
from rapidserve.errors import Gone, Stale


def commit(upload: Upload, *, parent: Entry) -> Entry:
    """Make an upload's pending version the current one of a file in `parent`.

    In the caller's transaction, which has just taken the upload from open to completed, after all
    chunks were seen live. Decides by `on_conflict` what a taken name means; Conflict(name_taken),
    Stale. No data is read or copied.
    """
    _refuse_other_version(upload, parent)
    name, existing = _destination(upload, parent)
    version = Version.objects.get(id=cast("UUID", upload.version_id))  # until an upload ends
    version.content_hash = content_hash(_hashes(version))
    if existing is None:
        entry = _new_file(upload, parent, name)
        number = 1
    else:
        entry = existing
        number = last_number(entry) + 1
    pending = Version.objects.filter(id=version.id, state=Version.State.PENDING)
    if not update_if(
        pending,
        state=Version.State.COMMITTED,
        entry=entry,
        number=number,
        content_hash=version.content_hash,
        created_at=current_time(),
    ):
        raise Gone("This upload has ended.", code="upload_gone")
    make_current(entry, version, actor_id=upload.actor_id)
    quota.release(upload.space_id, upload.reserved_bytes)
    quota.spend(upload.space_id, upload.size, own_bytes(version))
    append(
        Change.Type.CREATED if existing is None else Change.Type.UPDATED,
        entry,
        actor_id=upload.actor_id,
    )
    return entry


def restore(*, actor: Actor, entry_id: UUID, version_id: UUID) -> Entry:
    """Make an older version the current one again. History stays as it was; nothing is copied."""

    def apply() -> Entry:
        entry = file_for(actor, entry_id, Permission.EDIT)
        version = version_for(entry, version_id)
        if entry.current_version_id == version.id:
            return entry
        make_current(entry, version, actor_id=actor.id)
        append(Change.Type.UPDATED, entry, actor_id=actor.id)
        return entry

    return run_atomic(apply)


def refuse_conflict(upload: Upload, parent: Entry) -> Entry | None:
    """The file that would get a new version, if any; the refusals that can be told at register."""
    _refuse_other_version(upload, parent)
    return _destination(upload, parent)[1]


def _destination(upload: Upload, parent: Entry) -> tuple[str, Entry | None]:
    """The final name, and the existing file that gets the version (None: a new file)."""
    other = live_child(parent, upload.name)
    if other is None:
        return upload.name, None
    if upload.on_conflict == Upload.OnConflict.RENAME:
        return free_name(parent, upload.name), None
    if upload.on_conflict == Upload.OnConflict.FAIL or other.is_folder:
        raise name_taken(other)
    return other.name, other


def _refuse_other_version(upload: Upload, parent: Entry) -> None:
    """`if_match` names the version the client's change was based on: that of the file which has
    the name now, whatever the upload would do about it."""
    if upload.if_match is None:
        return
    existing = live_child(parent, upload.name)
    current = existing.current_version_id if existing else None
    if current != upload.if_match:
        raise Stale(
            "The file was changed by someone else meanwhile.",
            facts={"current": str(current) if current else None},
        )


def _hashes(version: Version) -> Iterator[str]:
    extents = Extent.objects.filter(version=version).order_by("index")
    return extents.values_list("sha256", flat=True).iterator()


def _new_file(upload: Upload, parent: Entry, name: str) -> Entry:
    """The reserved id, unless it was another file's that has since left this name."""
    taken = Entry.objects.filter(id=upload.entry_id).exists()
    now = current_time()
    return Entry.objects.create(
        id=new_id() if taken else upload.entry_id,
        space_id=upload.space_id,
        parent=parent,
        type=Entry.Type.FILE,
        **keys_of(name),
        created_at=now,
        created_by_id=upload.actor_id,
        modified_at=now,
        modified_by_id=upload.actor_id,
        revision=0,  # becoming current is its first revision
    )


def make_current(entry: Entry, version: Version, *, actor_id: UUID) -> None:
    update_entry(
        entry,
        current_version_id=version.id,
        size=version.size,
        content_type=version.content_type,
        content_hash=version.content_hash,
        modified_at=version.modified_at or current_time(),
        modified_by_id=actor_id,
    )


def last_number(entry: Entry) -> int:
    last = (
        Version.objects.filter(entry=entry, state=Version.State.COMMITTED)
        .order_by("-number")
        .values_list("number", flat=True)
        .first()
    )
    return last or 0
