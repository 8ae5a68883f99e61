"""Spaces: make, rename, delete. A person's own comes with the person and stays as long."""

from uuid import UUID

from django.conf import settings

from accounts.models import User
from accounts.organisation import Ability, OrganisationRole
from accounts.policy import require
from files.access.actor import Actor
from files.access.epochs import bump
from files.access.lookup import space_for
from files.access.roles import Permission
from files.actions import uploads
from files.actions.tree import checked_name, update_entry
from files.journal import audit
from files.journal.append import append
from files.models import Change, Entry, JournalHead, Space, Upload
from files.names import keys_of, name_key
from rapidserve.crashpoints import crash_point
from rapidserve.db import current_time, new_id, run_atomic, update_if
from rapidserve.errors import Conflict, NotFound

MAX_TEAM_SPACES = 100
"""For one person. Each has a quota of its own, so that without end they would be no quota."""
PAGE = 1000


def create_personal_space(*, user: User, role: OrganisationRole = OrganisationRole.MEMBER) -> Space:
    """In the transaction that creates the user: a person without a space can't do anything."""
    space = _insert(user, Space.Kind.PERSONAL, user.username, root_name="My files")
    if role == OrganisationRole.GUEST:
        Space.objects.filter(id=space.id).update(quota_bytes=0)
        space.quota_bytes = 0
    return space


def follow_role(
    *, user: User, before: OrganisationRole, after: OrganisationRole, by: User | None
) -> None:
    """Guests keep nothing of their own here: what is in their space stays, and nothing is added.
    In the transaction that changes the role."""
    if OrganisationRole.GUEST not in {before, after} or before == after:
        return
    quota = 0 if after == OrganisationRole.GUEST else settings.DEFAULT_QUOTA_BYTES or None
    space = Space.objects.get(owner=user, kind=Space.Kind.PERSONAL)
    set_quota(actor_id=by.id if by else None, space=space, quota_bytes=quota)


def create_team_space(*, actor: Actor, name: str) -> Space:
    """A space that belongs to whoever makes it. PermissionDenied for guests,
    Conflict(name_taken, too_many_spaces)."""
    name = checked_name(name)

    def create() -> Space:
        require(actor.user, Ability.MAKE_SPACES)
        owned = Space.objects.filter(owner=actor.user, kind=Space.Kind.TEAM, live=True)
        if owned.count() >= MAX_TEAM_SPACES:
            raise Conflict(
                f"You have {MAX_TEAM_SPACES} team spaces, and more are not possible.",
                code="too_many_spaces",
                facts={"limit": MAX_TEAM_SPACES},
            )
        _refuse_taken(actor.user, name)
        space = _insert(actor.user, Space.Kind.TEAM, name, root_name=name)
        root = Entry.objects.get(id=space.root)
        append(Change.Type.CREATED, root, actor_id=actor.id)
        return space

    return run_atomic(create)


def rename_space(*, actor: Actor, space_id: UUID, name: str) -> Space:
    """Its top folder is renamed with it. Conflict(is_personal, name_taken)."""
    name = checked_name(name)

    def rename() -> Space:
        space = space_for(actor, space_id, Permission.OWN)
        _refuse_personal(space)
        if name == space.name:
            return space
        _refuse_taken(space.owner, name, except_for=space)
        space.name, space.name_key = name, name_key(name)
        space.save(update_fields=["name", "name_key"])
        root = Entry.objects.get(id=space.root)
        update_entry(root, **keys_of(name))
        append(Change.Type.RENAMED, root, actor_id=actor.id)
        return space

    return run_atomic(rename)


def delete_space(*, actor: Actor, space_id: UUID) -> None:
    """Only an empty one, its trash included; uploads on their way into it end.

    Conflict(is_personal, space_not_empty). Its journal line meets every other change of the space
    at the journal's head, so a file that is completed at the same moment is either seen here, or
    finds no space to go to.
    """

    def mark() -> Space:
        space = space_for(actor, space_id, Permission.OWN)
        _refuse_personal(space)
        _refuse_filled(space)
        if not update_if(Space.objects.filter(id=space.id, live=True), live=False):
            raise NotFound
        bump(space.id)
        append(Change.Type.DELETED, Entry.objects.get(id=space.root), actor_id=actor.id)
        return space

    space = run_atomic(mark)
    crash_point("space.marked")
    _clear(space)


def clear_deleted() -> None:
    """Finish what a crash left half removed."""
    for space in Space.objects.filter(live=False)[:PAGE]:
        _clear(space)


def set_quota(*, actor_id: UUID | None, space: Space, quota_bytes: int | None) -> None:
    """None: no limit. What is stored already stays, also when it is more than that."""

    def change() -> None:
        Space.objects.filter(id=space.id).update(quota_bytes=quota_bytes)
        told = {"before": space.quota_bytes, "after": quota_bytes}
        event = audit.Event("quota_set", space.root, space.name, told)
        audit.record(space.id, [event], actor_id=actor_id)

    run_atomic(change)
    space.quota_bytes = quota_bytes


def _insert(owner: User, kind: Space.Kind, name: str, *, root_name: str) -> Space:
    now = current_time()
    root_id = new_id()
    space = Space.objects.create(
        name=name,
        name_key=name_key(name),
        kind=kind,
        owner=owner,
        root=root_id,
        quota_bytes=settings.DEFAULT_QUOTA_BYTES or None,
    )
    JournalHead.objects.create(space=space)
    Entry.objects.create(
        id=root_id,
        space=space,
        type=Entry.Type.FOLDER,
        **keys_of(root_name),
        path=f"/{root_id.hex}/",
        created_at=now,
        created_by=owner,
        modified_at=now,
        modified_by=owner,
    )
    return space


def _refuse_personal(space: Space) -> None:
    if space.kind == Space.Kind.PERSONAL:
        raise Conflict(
            "A personal space can't be renamed or deleted: it belongs to its person's account.",
            code="is_personal",
        )


def _refuse_taken(owner: User, name: str, *, except_for: Space | None = None) -> None:
    same = Space.objects.filter(
        owner=owner, kind=Space.Kind.TEAM, live=True, name_key=name_key(name)
    ).first()
    if same is not None and (except_for is None or same.id != except_for.id):
        raise Conflict(
            "You already have a space with this name.",
            code="name_taken",
            field="name",
            facts={"id": str(same.id)},
        )


def _refuse_filled(space: Space) -> None:
    """What is in the trash can still be restored, so it is something."""
    below = Entry.objects.filter(space=space).exclude(id=space.root)
    if not below.exists():
        return
    if below.filter(live=True).exists():
        hint = "Move its files elsewhere, or put them into the trash and remove them for good."
    else:
        hint = "Its trash is not empty: remove what is in there for good first."
    raise Conflict(
        "Only an empty space can be deleted, and this one is not empty.",
        code="space_not_empty",
        hint=hint,
    )


def _clear(space: Space) -> None:
    """Take a deleted space apart. Re-runnable; nobody sees it, so nothing is added meanwhile."""
    for upload in Upload.objects.filter(space=space, state=Upload.State.OPEN):
        uploads.expire(upload)
    half_ended = Upload.objects.filter(space=space, state=Upload.State.EXPIRED)
    for upload in half_ended.exclude(version=None):
        uploads.drop_pending_version(upload)
    while ids := list(Change.objects.filter(space=space).values_list("id", flat=True)[:PAGE]):
        Change.objects.filter(id__in=ids).delete()

    def delete() -> None:
        Upload.objects.filter(space=space).delete()
        Entry.objects.filter(id=space.root).delete()
        JournalHead.objects.filter(space=space).delete()
        Space.objects.filter(id=space.id).delete()

    run_atomic(delete)
