"""Sharing: give somebody a role on an entry, take it back, hand a space over.

Each bumps the space's epoch when it takes something away, so that addresses handed out before are
looked at again within two seconds.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from accounts.models import User
from accounts.organisation import OrganisationRole
from accounts.policy import role_of
from files.access import rights
from files.access.actor import Actor
from files.access.audience import Access, Reason, Subject, audience, key_of, reasons, subject_of
from files.access.epochs import bump
from files.access.lookup import entry_for
from files.access.roles import Permission, Role
from files.journal import audit
from files.models import Entry, GroupGrant, Space, UserGrant
from rapidserve.db import current_time, run_atomic, update_if
from rapidserve.errors import Conflict, Invalid, NotFound, PermissionDenied, RapidServeError

MAX_GRANTS: Final = 1000
"""On one entry: beyond it a group says it better, and every list of who may see it stays short."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What a change of grants means to one person: a role before and after, None for none."""

    user: User
    before: Role | None
    after: Role | None


def give_role(
    *,
    actor: Actor,
    entry_id: UUID,
    subject: tuple[str, str],
    role: Role,
    expires_at: datetime | None = None,
) -> Reason:
    """Give a person or a group a role on an entry and all below, in place of what they had there.

    `subject`: ("user" or "group", id). The role owner hands a team space over; nobody else than its
    owner can, and he stays as a manager. Invalid(subject_unknown, role_invalid,
    expires_at_invalid), Conflict(is_owner, own_role, too_many_grants).
    """

    def give() -> Reason:
        entry = _entry_to_share(actor, entry_id)
        who = _subject(subject)
        if role == Role.OWNER:
            return _hand_over(actor, entry, who, expires_at)
        _refuse_owner(entry, who)
        _refuse_self(actor, who)
        reason = Reason(who, role, expires_at, entry.id)
        _put(actor, entry, reason)
        return reason

    _refuse_past(expires_at)
    return run_atomic(give)


def withdraw_role(*, actor: Actor, entry_id: UUID, subject: tuple[str, str]) -> None:
    """Take back what was given on this very entry. NotFound when there is nothing;
    Conflict(inherited) when it was given on a folder above, and has to be taken back there.

    Everybody may give up what he himself was given.
    """

    def withdraw() -> None:
        entry = _entry_to_withdraw(actor, entry_id, subject)
        kind, key = _kind_and_key(subject)
        if not _grants(kind, key).filter(content_object=entry).delete()[0]:
            raise _nothing_there(entry, subject)
        told = {"subject": ":".join(subject)}
        audit.record_entry("unshared", entry, actor_id=actor.id, details=told)
        _taken(entry)

    run_atomic(withdraw)


def foresee(
    *,
    actor: Actor,
    entry_id: UUID,
    subject: tuple[str, str],
    role: Role | None,
    expires_at: datetime | None = None,
) -> list[Shift]:
    """Who would gain and who would lose by giving the role, or by withdrawing it (None). Nothing
    is changed. Errors as of the change itself."""
    _refuse_past(expires_at)
    if role is None:
        entry = _entry_to_withdraw(actor, entry_id, subject)
    else:
        entry = _entry_to_share(actor, entry_id)
    given = reasons(entry)

    def without(named: tuple[str, Any]) -> list[Reason]:
        return [r for r in given if not (_is_grant_on(entry, r) and r.subject.identity == named)]

    if role is None:
        others = without(_kind_and_key(subject))
        if len(others) == len(given):
            raise _nothing_there(entry, subject)
        return _shifts(audience(given), audience(others))
    who = _subject(subject)
    others = without(who.identity)
    if role == Role.OWNER:
        _refuse_hand_over(actor, entry, who, expires_at)
        old = Reason(_itself(actor), Role.MANAGER, None, entry.id)
        after = [*(r for r in others if r.role != Role.OWNER), old]
        after.append(Reason(who, role, None, entry.id))
    else:
        _refuse_owner(entry, who)
        _refuse_self(actor, who)
        after = [*others, Reason(who, role, None, entry.id)]
    return _shifts(audience(given), audience(after))


def _entry_to_share(actor: Actor, entry_id: UUID) -> Entry:
    """An owner of the installation who administers it gives others roles on everything. Nobody else
    does: by a second account he would read what was never shared with him."""
    is_owner = actor.administers and actor.user.is_superuser
    return entry_for(actor, entry_id, Permission.VIEW if is_owner else Permission.SHARE)


def _entry_to_withdraw(actor: Actor, entry_id: UUID, subject: tuple[str, str]) -> Entry:
    """What the actor may take this one's role on: his own on all that he sees."""
    enough = actor.administers or subject == ("user", str(actor.id))
    return entry_for(actor, entry_id, Permission.VIEW if enough else Permission.SHARE)


def _is_grant_on(entry: Entry, reason: Reason) -> bool:
    return reason.source == entry.id and reason.role != Role.OWNER


def forget_group(group_id: Any) -> None:
    """A group is going, and what it was given: in the transaction that deletes it."""
    grants = GroupGrant.objects.filter(group_id=group_id)
    entries = list(grants.values_list("content_object_id", flat=True))
    spaces = Entry.objects.filter(id__in=entries).values_list("space_id", flat=True)
    for space_id in set(spaces):
        bump(space_id)
    rights.changed()


def _put(actor: Actor, entry: Entry, reason: Reason) -> None:
    who = reason.subject
    grants = _grants(who.type, who.key).filter(content_object=entry)
    values: dict[str, Any] = {
        "permission_id": rights.permission_for(reason.role),
        "expires_at": reason.expires_at,
        "granted_at": current_time(),
        "granted_by_id": actor.id,
    }
    told = {"subject": f"{who.type}:{who.id}", "name": who.name, "role": reason.role}
    if reason.expires_at:
        told["expires_at"] = reason.expires_at.isoformat()
    audit.record_entry("shared", entry, actor_id=actor.id, details=told)
    if grants.update(**values):
        _taken(entry)
        return
    _refuse_full(entry)
    whom = {f"{who.type}_id": who.key}
    _model(who.type).objects.bulk_create([_model(who.type)(content_object=entry, **whom, **values)])
    rights.changed()


def _taken(entry: Entry) -> None:
    bump(entry.space_id)
    rights.changed()


def _hand_over(actor: Actor, entry: Entry, who: Subject, expires_at: datetime | None) -> Reason:
    """The new owner loses the grant he had, the old one gets to be a manager."""
    _refuse_hand_over(actor, entry, who, expires_at)
    space = entry.space
    if who.key != actor.id:
        unchanged = Space.objects.filter(id=space.id, owner_id=actor.id, live=True)
        if not update_if(unchanged, owner_id=who.key):
            raise NotFound
        UserGrant.objects.filter(user_id=who.key, content_object=entry).delete()
        told = {"subject": f"user:{who.id}", "name": who.name}
        audit.record_entry("handed_over", entry, actor_id=actor.id, details=told)
        _put(actor, entry, Reason(_itself(actor), Role.MANAGER, None, entry.id))
        _taken(entry)
    return Reason(who, Role.OWNER, None, entry.id)


def _itself(actor: Actor) -> Subject:
    return Subject("user", actor.id, actor.user.username)


def _refuse_hand_over(
    actor: Actor, entry: Entry, who: Subject, expires_at: datetime | None
) -> None:
    """Invalid(role_invalid, expires_at_invalid), PermissionDenied, Conflict(name_taken)."""
    space = entry.space
    if entry.id != space.root or space.kind != Space.Kind.TEAM or who.type != "user":
        raise Invalid(
            "Only a team space as a whole can be handed over, to one person.",
            code="role_invalid",
            field="role",
        )
    if space.owner_id != actor.id:
        raise PermissionDenied("Only its owner can hand a space over.")
    if expires_at is not None:
        raise Invalid("Owning does not expire.", code="expires_at_invalid", field="expires_at")
    if who.key == actor.id:
        return
    if role_of(who.key) == OrganisationRole.GUEST:
        raise Invalid("A guest can't own a space.", code="role_invalid", field="role")
    same = Space.objects.filter(
        owner_id=who.key, kind=Space.Kind.TEAM, live=True, name_key=space.name_key
    )
    if same.exists():
        raise Conflict("They own a space with this name already.", code="name_taken")


def _subject(named: tuple[str, str]) -> Subject:
    found = subject_of(*named)
    if found is None:
        raise Invalid("There is nobody with this id.", code="subject_unknown", field="subject")
    return found


def _kind_and_key(named: tuple[str, str]) -> tuple[str, Any]:
    """Also of somebody who was deactivated since. NotFound for what names nobody at all."""
    kind, text = named
    key = key_of(kind, text)
    if key is None:
        raise NotFound
    return kind, key


def _model(kind: str) -> Any:
    return UserGrant if kind == "user" else GroupGrant


def _grants(kind: str, key: Any) -> Any:
    return _model(kind).objects.filter(**{f"{kind}_id": key})


def _nothing_there(entry: Entry, named: tuple[str, str]) -> RapidServeError:
    theirs = [r for r in reasons(entry) if r.subject.identity == _kind_and_key(named)]
    if any(reason.role == Role.OWNER for reason in theirs):
        return _is_owner()
    if theirs:
        return Conflict("This was given on a folder above. Take it back there.", code="inherited")
    return NotFound()


def _refuse_owner(entry: Entry, who: Subject) -> None:
    if who.identity == ("user", entry.space.owner_id):
        raise _is_owner()


def _is_owner() -> Conflict:
    return Conflict("They own the space, and may do everything in it.", code="is_owner")


def _refuse_self(actor: Actor, who: Subject) -> None:
    """Else whoever manages something until a date would manage it for ever."""
    if who.identity == ("user", actor.id):
        raise Conflict("Nobody can change a role of their own.", code="own_role")


def _refuse_full(entry: Entry) -> None:
    people = UserGrant.objects.filter(content_object=entry).count()
    groups = GroupGrant.objects.filter(content_object=entry).count()
    if people + groups >= MAX_GRANTS:
        raise Conflict(
            f"{MAX_GRANTS} people and groups have a role here, and more are not possible.",
            code="too_many_grants",
            hint="Put them into a group.",
            facts={"limit": MAX_GRANTS},
        )


def _refuse_past(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= current_time():
        raise Invalid("This date has passed.", code="expires_at_invalid", field="expires_at")


def _shifts(before: list[Access], after: list[Access]) -> list[Shift]:
    """By user name; of those for whom nothing changes, nothing."""
    was = {access.user: access.role for access in before}
    becomes = {access.user: access.role for access in after}
    people = sorted({*was, *becomes}, key=lambda user: user.username_key)
    shifts = [Shift(user, was.get(user), becomes.get(user)) for user in people]
    return [shift for shift in shifts if shift.before != shift.after]
