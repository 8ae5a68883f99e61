"""The trash: put in, take out, remove for good."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import ProtectedError

from files.access.actor import Actor
from files.access.epochs import bump
from files.access.lookup import entry_for, is_in_sight, trashed_entry_for
from files.access.policy import ancestors, can
from files.access.roles import Permission
from files.actions import quota
from files.actions.tree import (
    check_depth,
    free_name,
    new_place,
    refuse_stale,
    subtree_folders,
    update_entry,
)
from files.actions.uploads import delete_extents
from files.content.footprint import own_bytes
from files.journal.append import append
from files.models import Change, Entry, Version
from files.names import keys_of
from rapidserve.crashpoints import crash_point
from rapidserve.db import current_time, run_atomic
from rapidserve.errors import Conflict, NotFound, PermissionDenied, Stale

PAGE = 500


def trash(*, actor: Actor, entry_id: UUID, if_match: int | None = None) -> None:
    """Out of sight at once, with all below it; addresses given out before stop within 2 seconds."""

    def apply() -> None:
        entry = entry_for(actor, entry_id, Permission.EDIT)
        refuse_stale(entry, if_match)
        if entry.parent is None:
            raise Conflict("The top folder of a space can't be trashed.", code="is_root")
        update_entry(entry, live=False, trashed_at=current_time(), trashed_by_id=actor.id)
        bump(entry.space_id)
        append(Change.Type.TRASHED, entry, actor_id=actor.id)
        crash_point("trash.writing")

    run_atomic(apply)
    crash_point("trash.committed")


def restore(*, actor: Actor, entry_id: UUID) -> Entry:
    """Back to its folder, or to the top when that is gone; with a number when the name is taken."""

    def apply() -> Entry:
        entry = trashed_entry_for(actor, entry_id, Permission.EDIT)
        _refuse_going(entry)
        parent = entry.parent
        if parent is None or not is_in_sight(parent):
            parent = Entry.objects.select_related("space").get(id=entry.space.root)
            _authorise_top(actor, parent)
        name = free_name(parent, entry.name)
        check_depth(parent, name, below=entry if entry.is_folder else None)
        values: dict[str, object] = {
            "live": True,
            "trashed_at": None,
            "trashed_by_id": None,
            **keys_of(name),
        }
        if parent.id != entry.parent_id:
            values |= new_place(entry, parent)
        update_entry(entry, **values)
        append(Change.Type.RESTORED, entry, actor_id=actor.id)
        return entry

    return run_atomic(apply)


def remove(*, actor: Actor, entry_id: UUID) -> None:
    """Remove a trashed entry for good, with all below it and every version. NotFound also when
    somebody else has removed or restored it since this request began.
    """
    entry = trashed_entry_for(actor, entry_id, Permission.EDIT)
    try:
        purge(entry, actor_id=actor.id)
    except Stale:
        raise NotFound from None


def purge_expired() -> int:
    """Remove what has been in the trash for 30 days, and finish what a crash left half removed."""
    before = current_time() - timedelta(seconds=settings.TRASH_SECONDS)
    trashed = Entry.objects.select_related("space", "parent").filter(live=False)
    expired = list(trashed.filter(trashed_at__lt=before, purged_at=None)[:PAGE])
    for entry in expired:
        with suppress(Stale):  # somebody has just taken it out
            purge(entry, actor_id=None)
    unfinished = list(trashed.exclude(purged_at=None)[:PAGE])
    for entry in unfinished:
        _delete_tree(entry)
    return len(expired) + len(unfinished)


def purge(entry: Entry, *, actor_id: UUID | None) -> None:
    """Mark first, so that it can't be restored while it is taken apart; then delete.

    A crash in between leaves a marked row, which `purge_expired` finishes.
    """

    def mark() -> Entry:
        # Read here: since `entry` was, a folder above may have moved and taken its path along.
        rows = Entry.objects.select_related("space", "parent")
        marked = rows.filter(id=entry.id, revision=entry.revision).first()
        if marked is None:
            raise Stale("This was changed by someone else meanwhile.")
        update_entry(marked, purged_at=current_time())
        append(Change.Type.DELETED, marked, actor_id=actor_id)
        return marked

    marked = run_atomic(mark)
    crash_point("purge.marked")
    with suppress(ProtectedError):  # something moved in just before the mark: the sweeper's now
        _delete_tree(marked)


def _authorise_top(actor: Actor, root: Entry) -> None:
    """Who was given a folder only must not put anything elsewhere."""
    if not can(actor, Permission.EDIT, root):
        raise PermissionDenied("Its folder is gone, and you may not change anything above.")


def _refuse_going(entry: Entry) -> None:
    """NotFound when a folder above is being removed for good: what is below goes with it.

    Its files are being deleted one by one. What was taken out in the middle would come back with
    some of them missing, or lose them afterwards.
    """
    if Entry.objects.filter(id__in=ancestors(entry)).exclude(purged_at=None).exists():
        raise NotFound


def _delete_tree(entry: Entry) -> None:
    """From the leaves up, each file with all its versions in one transaction."""
    if not entry.is_folder:
        _delete_file(entry)
        return
    below = subtree_folders(entry).order_by("-path").values_list("id", flat=True)
    for folder_id in [*below, entry.id]:
        for file in Entry.objects.filter(parent_id=folder_id, type=Entry.Type.FILE).iterator():
            _delete_file(file)
            crash_point("purge.file")
        Entry.objects.filter(id=folder_id).delete()


def _delete_file(file: Entry) -> None:
    def delete() -> None:
        committed = list(Version.objects.filter(entry=file))
        Entry.objects.filter(id=file.id).update(current_version=None)
        freed = 0
        for version in committed:  # one by one: the last that holds a chunk is the one to free it
            freed += own_bytes(version)
            delete_extents(version.id)
        Version.objects.filter(entry=file).delete()
        if Entry.objects.filter(id=file.id).delete()[0]:
            quota.refund(file.space_id, sum(version.size for version in committed), freed)

    run_atomic(delete)
