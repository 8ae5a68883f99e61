"""Copies without copying bytes: new versions over the same chunks.

A copy is an upload whose every chunk is here already. Its extents are committed first and the
chunks looked at afterwards, like any upload's, since the source may be removed for good at the same
moment and a collector follow. A crash in between leaves open uploads, which expire.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from files.access.actor import Actor
from files.access.listing import extents
from files.access.lookup import entry_for, folder_for, version_for
from files.access.policy import folder_ids
from files.access.roles import Permission
from files.actions import quota, versions
from files.actions.tree import add_folder, check_depth, checked_name, free_name, refuse_taken
from files.actions.uploads import expire
from files.content.writer import PAGE, all_live
from files.models import Entry, Extent, Upload, Version
from files.names import name_key
from rapidserve.crashpoints import crash_point
from rapidserve.db import current_time, new_id, run_atomic, update_if
from rapidserve.errors import Conflict, Gone, NotFound

MAX_ENTRIES = 2_000
"""A folder with more below it is refused: the copy is one transaction, and while it is written
everybody else waits (some 3 ms for each entry)."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One entry of the copy. `upload` holds a file's future version; folders have none."""

    source: Entry
    upload: Upload | None


def copy(*, actor: Actor, entry_id: UUID, parent_id: UUID, name: str | None = None) -> Entry:
    """A copy of a file, or of a folder with all that is live below it, current versions only.

    Without `name` the copy keeps the original's, made free with a number when it is taken.
    Conflict(cycle, name_taken, copy_too_large), Invalid(path_too_deep), StorageFull.
    """
    wanted = checked_name(name) if name is not None else None
    plan = run_atomic(lambda: _plan(actor, entry_id, parent_id))
    crash_point("copy.planned")
    uploads = [planned.upload for planned in plan if planned.upload]
    try:
        if not all(all_live(upload) for upload in uploads):
            raise NotFound
        return run_atomic(lambda: _make(actor, plan, parent_id, wanted))
    except BaseException:  # whatever it was, the room is given back now, not in seven days
        for upload in uploads:
            expire(upload)
        raise


def _plan(actor: Actor, entry_id: UUID, parent_id: UUID) -> list[Planned]:
    """The source and all below it, parents first, with a pending version for each file."""
    source = entry_for(actor, entry_id, Permission.DOWNLOAD)
    parent = folder_for(actor, parent_id, Permission.EDIT)
    if source.is_folder and source.id in folder_ids(parent):
        raise Conflict("A folder can't be copied into itself.", code="cycle", field="parent")
    plan = []
    for entry in _walk(source):
        plan.append(Planned(entry, None if entry.is_folder else _pending(actor, entry, parent)))
        if len(plan) > MAX_ENTRIES:
            raise Conflict(
                f"There are more than {MAX_ENTRIES} entries in this folder; copy its parts.",
                code="copy_too_large",
                facts={"limit": MAX_ENTRIES},
            )
    return plan


def _walk(entry: Entry) -> Iterator[Entry]:
    waiting = [entry]
    while waiting:
        current = waiting.pop()
        yield current
        if current.is_folder:
            waiting.extend(Entry.objects.select_related("space").filter(parent=current, live=True))


def _pending(actor: Actor, source: Entry, parent: Entry) -> Upload:
    original = version_for(source, None)
    quota.reserve(parent.space_id, original.size)
    version = Version.objects.create(
        space_id=parent.space_id,
        state=Version.State.PENDING,
        size=original.size,
        content_type=original.content_type,
        modified_at=original.modified_at,
        created_at=current_time(),
        created_by=actor.user,
    )
    _copy_extents(original, version)
    return Upload.objects.create(
        version=version,
        space_id=parent.space_id,
        parent=parent,
        entry_id=new_id(),
        name=source.name,
        name_key=name_key(source.name),
        on_conflict=Upload.OnConflict.FAIL,
        actor=actor.user,
        size=original.size,
        reserved_bytes=original.size,
        expires_at=current_time() + timedelta(seconds=settings.UPLOAD_IDLE_SECONDS),
    )


def _copy_extents(original: Version, copy: Version) -> None:
    """A page at a time: a file of a terabyte has a quarter of a million."""
    start = 0
    while page := extents(original, start, PAGE):
        Extent.objects.bulk_create(
            Extent(
                version=copy,
                index=extent.index,
                chunk_id=extent.chunk_id,
                offset=extent.offset,
                length=extent.length,
                sha256=extent.sha256,
                space_id=copy.space_id,
            )
            for extent in page
        )
        start += PAGE


def _make(actor: Actor, plan: list[Planned], parent_id: UUID, wanted: str | None) -> Entry:
    """All entries of the copy, in one transaction."""
    parent = folder_for(actor, parent_id, Permission.EDIT)
    source = plan[0].source
    name = wanted if wanted is not None else free_name(parent, source.name)
    refuse_taken(parent, name)
    check_depth(parent, name, below=source if source.is_folder else None)
    made: dict[UUID, Entry] = {}
    for planned in plan:
        entry = planned.source
        above = parent if entry is source else made[entry.parent_id]  # type: ignore[index] # it has one
        final = name if entry is source else entry.name
        made[entry.id] = (
            _make_file(planned.upload, above, final)
            if planned.upload
            else add_folder(actor, above, final)
        )
    return made[source.id]


def _make_file(upload: Upload, parent: Entry, name: str) -> Entry:
    still_open = Upload.objects.filter(id=upload.id, state=Upload.State.OPEN)
    if not update_if(still_open, state=Upload.State.COMPLETED, parent=parent, name=name):
        raise Gone("This copy was cancelled.", code="upload_gone")
    upload.name = name
    return versions.commit(upload, parent=parent)
