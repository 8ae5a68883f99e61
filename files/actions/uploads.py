"""Uploads: register, add chunks, prove, complete, cancel, expire. See protocol in docs/api.md.

What survives a crash at any point: rows of an open upload reserve room and hold chunks until it is
completed or expires; nothing of it is visible before the one transaction in `complete`.
"""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from files.access.actor import Actor
from files.access.epochs import bump
from files.access.lookup import (
    is_in_sight,
    open_upload_for,
    space_of,
    upload_for,
    upload_gone,
    writable_parent,
)
from files.access.policy import can, may_add, permissions
from files.access.roles import Permission
from files.actions import links, quota, versions
from files.actions.tree import check_depth, checked_name
from files.chunkstore.chunk import CHUNK_SIZE, chunk_count, chunk_length
from files.content.topology import available_nodes
from files.content.writer import (
    PAGE,
    ChunkSpec,
    add_extents,
    held_in_space,
    prove,
    prove_all,
)
from files.models import Entry, Extent, Space, Upload, Version
from files.names import name_key
from rapidserve.crashpoints import crash_point
from rapidserve.db import current_time, new_id, run_atomic, update_if
from rapidserve.errors import Conflict, Invalid, TooLarge


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a client says of a file before it sends it. `chunks` may be only the first few."""

    parent_id: UUID
    name: str
    size: int
    chunks: Sequence[ChunkSpec]
    content_type: str = ""
    modified_at: datetime | None = None
    on_conflict: str = Upload.OnConflict.VERSION
    if_match: UUID | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """What an upload became. `stats`: of `size` bytes, which were sent and which need not be."""

    file: Entry
    version: Version
    stats: dict[str, int]


def register(*, actor: Actor, announcement: Announcement) -> tuple[Upload, bool]:
    """The open upload for this file, and whether it is new.

    The same person announcing the same place, name, size and first hashes gets the upload that is
    open already, so another tab or browser goes on where the first stopped.
    """
    name = checked_name(announcement.name)
    if announcement.size > settings.MAX_FILE_BYTES:
        raise TooLarge(
            f"The file is too large; {settings.MAX_FILE_BYTES} bytes are allowed.",
            code="file_too_large",
            field="size",
            facts={"limit": settings.MAX_FILE_BYTES},
        )
    check_chunks(announcement.size, 0, announcement.chunks)
    if actor.through:  # what others put there is neither seen nor replaced
        announcement = replace(announcement, on_conflict=Upload.OnConflict.RENAME, if_match=None)

    reusable = _reusable(actor, space_of(announcement.parent_id), announcement.chunks)
    candidates = available_nodes()

    def apply() -> tuple[Upload, bool]:
        parent = links.drop_folder(actor, writable_parent(actor, announcement.parent_id))
        check_depth(parent, name)
        upload = _open_upload(actor, parent, name, announcement)
        created = upload is None
        if upload is None:
            upload = _new_upload(actor, parent, name, announcement)
        else:
            versions.refuse_conflict(upload, parent)
        _touch(upload)
        add_extents(upload, 0, announcement.chunks, reusable=reusable, candidates=candidates)
        crash_point("register.inserted")
        return upload, created

    upload, created = run_atomic(apply)
    crash_point("register.committed")
    if not created:
        _prove_sent(upload, 0, announcement.chunks)
    return upload, created


def add_chunks(*, actor: Actor, upload_id: UUID, start: int, chunks: Sequence[ChunkSpec]) -> Upload:
    """Register the next page of hashes of an open upload."""
    announced = open_upload_for(actor, upload_id)
    check_chunks(announced.size, start, chunks)
    reusable = _reusable(actor, announced.space_id, chunks)
    candidates = available_nodes()

    def apply() -> tuple[Upload, bool]:
        upload = open_upload_for(actor, upload_id)
        place_of(actor, upload)
        _touch(upload)
        page = upload.extents.filter(index__gte=start, index__lt=start + len(chunks))
        resumed = page.exists()
        add_extents(upload, start, chunks, reusable=reusable, candidates=candidates)
        crash_point("chunks.inserted")
        return upload, resumed

    upload, resumed = run_atomic(apply)
    if resumed:
        _prove_sent(upload, start, chunks)
    return upload


def stored(*, actor: Actor, upload_id: UUID, indexes: Sequence[int]) -> tuple[list[int], list[int]]:
    """(proven, missing) of these indexes, proven now so that completing has little left to do."""
    upload = open_upload_for(actor, upload_id)
    count = chunk_count(upload.size)
    for index in indexes:
        if not 0 <= index < count:
            raise _bad_index(index, count)
    run_atomic(lambda: _touch(upload))
    missing = prove(upload, indexes)
    return sorted(set(indexes) - set(missing)), missing


def place_of(actor: Actor, upload: Upload) -> Entry:
    """The folder the file is to go into, as it is now.

    Conflict(parent_gone) when the actor may not write there any more: new addresses would outlive
    what stopped the old ones.
    """
    rows = Entry.objects.select_related("space", "parent")
    parent = rows.filter(id=upload.parent_id).first() if upload.parent_id else None
    if parent is None or not is_in_sight(parent) or not may_add(actor, parent):
        raise Conflict("The folder was trashed or taken away meanwhile.", code="parent_gone")
    return parent


def refresh(upload: Upload, *, start: int, limit: int) -> None:
    """Note the activity and prove what has arrived of one page, before its states are told."""
    run_atomic(lambda: _touch(upload))
    registered = upload.extents.filter(index__gte=start).order_by("index")
    prove(upload, list(registered.values_list("index", flat=True)[:limit]))


def complete(*, actor: Actor, upload_id: UUID) -> Completed:
    """The file and its new version. Repeating it gives the same answer.

    Conflict(chunks_missing) with the indexes that are not registered or not stored; Gone;
    Conflict(parent_gone, name_taken); Stale.
    """
    upload = upload_for(actor, upload_id)
    # Not read a second time: of two requests, the slower would find it completed by the other.
    if upload.state == Upload.State.OPEN:
        if upload.expires_at <= current_time():
            raise upload_gone(upload)
        if missing := _missing(upload):
            _refuse_while_open(actor, upload_id, missing)
        else:
            crash_point("complete.proven")
            run_atomic(lambda: _commit(actor, upload_id))
            crash_point("complete.committed")
    return _completed(actor, upload_for(actor, upload_id))


def cancel(*, actor: Actor, upload_id: UUID) -> None:
    """End an open upload. Cancelling twice is Gone, a completed one too: its file stays."""
    upload = open_upload_for(actor, upload_id)
    if not expire(upload):
        raise upload_gone(upload_for(actor, upload_id))


def expire(upload: Upload) -> bool:
    """End an open upload, give its room back and drop its rows. False when it had ended already."""

    def end() -> bool:
        still_open = Upload.objects.filter(id=upload.id, state=Upload.State.OPEN)
        if not update_if(still_open, state=Upload.State.EXPIRED):
            return False
        quota.release(upload.space_id, upload.reserved_bytes)
        bump(upload.id)
        return True

    ended = run_atomic(end)
    crash_point("expire.ended")
    if ended:
        drop_pending_version(upload)
    return ended


def drop_pending_version(upload: Upload) -> None:
    """Remove what an expired upload held; its chunks are the collector's then. Re-runnable."""
    version_id = upload.version_id
    if version_id is None:
        return
    delete_extents(version_id)
    Upload.objects.filter(id=upload.id).update(version=None)
    Version.objects.filter(id=version_id, state=Version.State.PENDING).delete()


def forget_ended(before: datetime) -> None:
    """Delete the rows of uploads that would have expired before then: nobody asks for them."""
    ended = Upload.objects.filter(expires_at__lt=before).exclude(state=Upload.State.OPEN)
    ended.exclude(state=Upload.State.EXPIRED, version__isnull=False).delete()


def delete_extents(version_id: UUID) -> None:
    """Some thousand rows at a time: a file of many terabytes has millions."""
    while ids := list(
        Extent.objects.filter(version_id=version_id).values_list("id", flat=True)[: 5 * PAGE]
    ):
        Extent.objects.filter(id__in=ids).delete()


def check_chunks(size: int, start: int, chunks: Sequence[ChunkSpec]) -> None:
    """Refuse chunk lists that can't be this part of a file of `size` bytes."""
    count = chunk_count(size)
    if len(chunks) > PAGE:
        raise TooLarge(
            f"At most {PAGE} chunks can be announced in one call.",
            code="too_many_chunks",
            field="chunks",
            facts={"limit": PAGE},
        )
    if start and start >= count:
        raise _bad_index(start, count)
    if start + len(chunks) > count:
        raise Invalid(
            f"A file of {size} bytes has {count} chunks of {CHUNK_SIZE} bytes.",
            code="chunk_count_mismatch",
            field="chunks",
            facts={"expected": count},
        )
    for index, chunk in enumerate(chunks, start):
        expected = chunk_length(size, index)
        if chunk.size != expected:
            raise Invalid(
                f"Chunk {index} must have {expected} bytes.",
                code="chunk_length_invalid",
                field="chunks",
                facts={"index": index, "expected": expected},
            )


def _bad_index(index: int, count: int) -> Invalid:
    return Invalid(
        f"There is no chunk {index}; the file has {count}.",
        code="chunk_index_invalid",
        field="start",
        facts={"count": count},
    )


def _open_upload(
    actor: Actor, parent: Entry, name: str, announcement: Announcement
) -> Upload | None:
    """An open upload of the same file. Without a hash in common nothing says it is the same."""
    candidates = Upload.objects.filter(
        parent=parent,
        name_key=name_key(name),
        actor=actor.user,
        visit=actor.through.visit if actor.through else None,
        state=Upload.State.OPEN,
        name=name,
        size=announcement.size,
        on_conflict=announcement.on_conflict,
        if_match=announcement.if_match,
        expires_at__gt=current_time(),
    )
    for upload in candidates.order_by("-id"):
        if _has_same_start(upload, announcement):
            return upload
    return None


def _has_same_start(upload: Upload, announcement: Announcement) -> bool:
    registered = dict(
        upload.extents.filter(index__lt=len(announcement.chunks)).values_list("index", "sha256")
    )
    if not registered:
        return announcement.size == 0
    return all(
        registered.get(index, chunk.sha256) == chunk.sha256
        for index, chunk in enumerate(announcement.chunks)
    )


def _new_upload(actor: Actor, parent: Entry, name: str, announcement: Announcement) -> Upload:
    version = Version(
        space=parent.space,
        state=Version.State.PENDING,
        size=announcement.size,
        content_type=announcement.content_type or guessed_type(name),
        modified_at=announcement.modified_at,
        created_at=current_time(),
        created_by=actor.user,
    )
    upload = Upload(
        version=version,
        space=parent.space,
        parent=parent,
        name=name,
        name_key=name_key(name),
        on_conflict=announcement.on_conflict,
        if_match=announcement.if_match,
        actor=actor.user,
        visit=actor.through.visit if actor.through else None,
        size=announcement.size,
        reserved_bytes=announcement.size,
        expires_at=current_time(),
    )
    existing = versions.refuse_conflict(upload, parent)
    upload.entry_id = existing.id if existing else new_id()
    quota.reserve(parent.space_id, announcement.size)
    version.save(force_insert=True)
    upload.save(force_insert=True)
    return upload


def guessed_type(name: str) -> str:
    """The content type of a file whose owner states none."""
    return mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"


def _prove_sent(upload: Upload, start: int, chunks: Sequence[ChunkSpec]) -> None:
    """What the client sent before it lost its way: else it would be asked to send it again."""
    prove(upload, range(start, start + len(chunks)))


def _touch(upload: Upload) -> None:
    """Activity: seven more days. Gone when the upload ended since it was read."""
    expires_at = current_time() + timedelta(seconds=settings.UPLOAD_IDLE_SECONDS)
    still_open = Upload.objects.filter(id=upload.id, state=Upload.State.OPEN)
    if not update_if(still_open, expires_at=expires_at):
        raise upload_gone(Upload.objects.get(id=upload.id))
    upload.expires_at = expires_at


def _reusable(
    actor: Actor, space_id: UUID | None, chunks: Sequence[ChunkSpec]
) -> dict[ChunkSpec, UUID]:
    """Stored chunks that may stand in for announced ones: only for who may download from the root,
    and so may know which hashes the space holds. Outside a transaction: nodes are asked.
    """
    space = Space.objects.filter(id=space_id).first() if space_id else None
    if space is None or actor.through:
        return {}
    root = Entry.objects.select_related("space").get(id=space.root)
    if not can(actor, Permission.DOWNLOAD, root):
        return {}
    return held_in_space(space.id, chunks)


def _missing(upload: Upload) -> list[int]:
    """The chunks that are not registered, or not proven to be stored.

    Which are registered is asked first: one that is registered while the others are being proven
    would be taken for proven itself.
    """
    unregistered = _unregistered(upload)
    return sorted({*unregistered, *prove_all(upload)})


def _refuse_while_open(actor: Actor, upload_id: UUID, missing: list[int]) -> None:
    """Conflict(chunks_missing); not of an upload that has ended meanwhile and lost its chunks so.
    Whoever sent those again would send them in vain.
    """
    if upload_for(actor, upload_id).state == Upload.State.OPEN:
        raise Conflict(
            f"{len(missing)} chunks are not stored yet.",
            code="chunks_missing",
            facts={"count": len(missing), "indexes": missing[:PAGE]},
        )


def _unregistered(upload: Upload) -> list[int]:
    count = chunk_count(upload.size)
    if upload.extents.count() == count:
        return []
    registered = set(upload.extents.values_list("index", flat=True))
    return [index for index in range(count) if index not in registered]


def _completed(actor: Actor, upload: Upload) -> Completed:
    """Gone when the upload was ended by someone else, its file removed for good since, or taken out
    of the actor's sight: what became of it there is not told to him."""
    version = upload.version
    if upload.state != Upload.State.COMPLETED or version is None or version.entry_id is None:
        raise upload_gone(upload)
    rows = Entry.objects.select_related("space", "parent")
    file = rows.filter(id=version.entry_id).first()
    if file is None or not permissions(actor, file):
        raise upload_gone(upload)
    sent = min(upload.sent_bytes, upload.size)
    stats = {
        "size": upload.size,
        "uploaded_bytes": sent,
        "deduplicated_bytes": upload.size - sent,
    }
    return Completed(file, version, stats)


def _commit(actor: Actor, upload_id: UUID) -> None:
    """The moment a file comes into being. Who wins the compare-and-set makes the version."""
    still_open = Upload.objects.filter(id=upload_id, state=Upload.State.OPEN)
    if not update_if(still_open, state=Upload.State.COMPLETED):
        return
    upload = upload_for(actor, upload_id)
    versions.commit(upload, parent=place_of(actor, upload))
    crash_point("complete.writing")
