"""Fetching is authorising: the only way from an id in a request to a row.

What is unknown, trashed, or not the caller's to see is the same NotFound. What he sees but may not
do is PermissionDenied.
"""

from functools import cache
from uuid import UUID

from django.db.models import UUIDField

from accounts.organisation import Ability
from accounts.policy import require
from files.access.actor import Actor
from files.access.policy import (
    ancestors,
    permissions,
    role_in,
    shared_entries,
    visible_spaces,
)
from files.access.roles import PERMISSIONS, Permission
from files.models import Entry, Space, Upload, Version
from rapidserve.db import Prepared, current_time
from rapidserve.errors import Conflict, Gone, NotFound, PermissionDenied

_entry_by_id = Prepared(
    lambda entry_id: Entry.objects.select_related("space", "parent").filter(id=entry_id),
    UUIDField(),
)
_space_by_entry = Prepared(
    lambda entry_id: Entry.objects.filter(id=entry_id).values_list("space_id", flat=True),
    UUIDField(),
)
_version_by_id = Prepared(
    lambda version_id, entry_id: Version.objects.filter(
        id=version_id, entry=entry_id, state=Version.State.COMMITTED
    ),
    UUIDField(),
    UUIDField(),
)


def entry_for(actor: Actor, entry_id: UUID, permission: Permission) -> Entry:
    """A live entry whose ancestors are all live, which the actor may treat that way."""
    entry = _entry(entry_id)
    _authorise(actor, entry, permission)
    if not is_in_sight(entry):
        raise NotFound
    return entry


def folder_for(actor: Actor, entry_id: UUID, permission: Permission) -> Entry:
    """As `entry_for`, and a folder. A file in its place is Conflict(not_a_folder)."""
    entry = entry_for(actor, entry_id, permission)
    if not entry.is_folder:
        raise Conflict("This is a file, not a folder.", code="not_a_folder")
    return entry


def file_for(actor: Actor, entry_id: UUID, permission: Permission) -> Entry:
    """As `entry_for`, and a file. A folder in its place is Conflict(not_a_file)."""
    entry = entry_for(actor, entry_id, permission)
    if entry.is_folder:
        raise Conflict("This is a folder, not a file.", code="not_a_file")
    return entry


def space_of(entry_id: UUID) -> UUID | None:
    """The space of an entry, whoever asks: nothing of it may be told before rights are checked."""
    spaces = _space_by_entry(entry_id)
    return spaces[0] if spaces else None


def writable_parent(actor: Actor, entry_id: UUID) -> Entry:
    """The folder an upload goes into. In the trash: Conflict(parent_gone), the client knew it."""
    entry = _entry(entry_id)
    _authorise(actor, entry, Permission.ADD if actor.through else Permission.EDIT)
    if not is_in_sight(entry):
        raise Conflict("The folder was trashed meanwhile.", code="parent_gone", field="parent")
    if not entry.is_folder:
        raise Conflict("This is a file, not a folder.", code="not_a_folder", field="parent")
    return entry


def trashed_entry_for(actor: Actor, entry_id: UUID, permission: Permission) -> Entry:
    """An entry that was itself put into the trash."""
    entry = _entry(entry_id)
    _authorise(actor, entry, permission)
    if entry.live or entry.purged_at:
        raise NotFound
    return entry


def version_for(entry: Entry, version_id: UUID | None) -> Version:
    """A committed version of a file the caller was given by `file_for`; None means the current."""
    wanted = version_id or entry.current_version_id
    if wanted is None:
        raise NotFound
    found = _version_by_id(wanted, entry.id)
    if not found:
        raise NotFound
    return found[0]


def upload_for(actor: Actor, upload_id: UUID) -> Upload:
    """The actor's own upload, also one that has ended: callers say what that means."""
    upload = (
        Upload.objects.select_related("space", "parent", "version")
        .filter(id=upload_id, actor=actor.user, visit=_visit(actor))
        .first()
    )
    if upload is None:
        raise NotFound
    return upload


def _visit(actor: Actor) -> UUID | None:
    return actor.through.visit if actor.through else None


def open_upload_for(actor: Actor, upload_id: UUID) -> Upload:
    upload = upload_for(actor, upload_id)
    if upload.state != Upload.State.OPEN or upload.expires_at <= current_time():
        raise upload_gone(upload)
    return upload


def upload_gone(upload: Upload) -> Gone:
    completed = upload.state == Upload.State.COMPLETED
    return Gone(
        "This upload is completed." if completed else "This upload was cancelled or has expired.",
        code="upload_gone",
        hint=None
        if completed
        else "Register the file again; what is already stored is not sent twice.",
    )


def space_for(actor: Actor, space_id: UUID, permission: Permission = Permission.VIEW) -> Space:
    space = visible_spaces(actor).filter(id=space_id).first()
    role = role_in(actor, space) if space else None
    if space is None or role is None:
        raise NotFound
    if permission not in PERMISSIONS[role]:
        raise PermissionDenied("You may see this space, but not change it.")
    return space


def searched_spaces(actor: Actor) -> list[UUID]:
    """Ids of the spaces of which the actor sees all or a part."""
    whole = visible_spaces(actor).values_list("id", flat=True)
    parts = Entry.objects.filter(id__in=shared_entries(actor)).values_list("space_id", flat=True)
    return list(dict.fromkeys([*whole, *parts]))


def partly_visible_space(actor: Actor, space_id: UUID) -> UUID:
    """The id, if the actor sees anything there. NotFound."""
    if space_id not in searched_spaces(actor):
        raise NotFound
    return space_id


def space_to_follow(actor: Actor, space_id: UUID | None) -> Space:
    """The space asked for, of which the actor sees at least a part, or his own. NotFound."""
    if space_id is None:
        return space_or_personal(actor, None)
    space = Space.objects.filter(id=partly_visible_space(actor, space_id), live=True).first()
    if space is None:
        raise NotFound
    return space


def space_or_personal(
    actor: Actor, space_id: UUID | None, permission: Permission = Permission.VIEW
) -> Space:
    """The space asked for, or the actor's own."""
    if space_id is not None:
        return space_for(actor, space_id, permission)
    return Space.objects.get(owner=actor.user, kind=Space.Kind.PERSONAL)


def is_in_sight(entry: Entry) -> bool:
    """Neither the entry nor a folder above it is in the trash."""
    if not entry.live or (entry.parent and not entry.parent.live):
        return False
    # The parent came with the entry, and the first one, the space's root, can't be trashed.
    between = ancestors(entry)[1:-1]
    return not between or not _trashed_of(len(between))(*between)


@cache
def _trashed_of(count: int) -> Prepared[UUID]:
    """Which of so many folders are in the trash."""
    return Prepared(
        lambda *ids: Entry.objects.filter(id__in=ids, live=False).values_list("id", flat=True),
        *[UUIDField() for _ in range(count)],
    )


def _entry(entry_id: UUID) -> Entry:
    found = _entry_by_id(entry_id)
    if not found:
        raise NotFound
    return found[0]


def _authorise(actor: Actor, entry: Entry, permission: Permission) -> None:
    held = permissions(actor, entry)
    if permission in held:
        if permission == Permission.SHARE:
            require(actor.user, Ability.SHARE)
        return
    if Permission.VIEW not in held:
        raise NotFound
    raise PermissionDenied("You may see this, but not do that with it.")
