"""Who has which role in the organisation, and what that lets them do. Reads alone.

Asked only by what needs it (making spaces and links, sharing, finding people, the administration):
listing and reading files never look here.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import Group, Permission

from accounts.models import User
from accounts.organisation import EVERYBODY, STAFF, Ability, OrganisationRole
from rapidserve.errors import PermissionDenied

_keys: dict[OrganisationRole, Any] = {}
_names: dict[Any, str] = {}
_MANAGES: Final = "accounts.change_user"


def may(user: User, ability: Ability) -> bool:
    """Whether the person may do that, on what the database says now."""
    return ability in abilities(user)


def abilities(user: User) -> frozenset[Ability]:
    """All that the person may do."""
    if user.is_active and user.is_superuser:
        return frozenset(Ability)
    return frozenset(Ability(name) for name in _held(user) if name != _MANAGES)


def _held(user: User) -> set[str]:
    """Which of the permissions that are asked for here somebody has who is no superuser. As
    `has_perm` answers, in three indexed queries: Django's own join reads every permission there is
    on MongoDB, and it remembers what it found."""
    if not user.is_active:
        return set()
    known = _permission_names()
    groups = list(memberships().filter(user_id=user.pk).values_list("group_id", flat=True))
    given = (
        User.user_permissions.through.objects.filter(user_id=user.pk),
        Group.permissions.through.objects.filter(group_id__in=groups),
    )
    return {
        known[key]
        for rows in given
        for key in rows.filter(permission_id__in=list(known)).values_list(
            "permission_id", flat=True
        )
    }


def require(user: User, ability: Ability) -> None:
    """Raises PermissionDenied."""
    if not may(user, ability):
        raise PermissionDenied("Your role in the organisation does not allow that.")


def role_of(user_id: UUID) -> OrganisationRole:
    """One query. Whoever has none yet may do as little as a guest."""
    return roles_of([user_id])[user_id]


def roles_of(user_ids: Collection[UUID]) -> dict[UUID, OrganisationRole]:
    """As `role_of`, of a page of people: one query."""
    keys = group_keys()
    rows = memberships().filter(user_id__in=list(user_ids), group_id__in=list(keys.values()))
    named = {key: role for role, key in keys.items()}
    held = {user_id: named[key] for user_id, key in rows.values_list("user_id", "group_id")}
    return {user_id: held.get(user_id, OrganisationRole.GUEST) for user_id in user_ids}


def may_manage(asker: User, user_id: UUID, role: OrganisationRole | None = None) -> bool:
    """Whether one may change that account, and give it this role: accounts of owners and admins
    are for owners alone, and so is making admins. Else an admin could take an owner's place."""
    if asker.is_active and asker.is_superuser:
        return True
    if _MANAGES not in _held(asker):
        return False
    if OrganisationRole.ADMIN in {role, role_of(user_id)}:
        return False
    return not User.objects.filter(id=user_id, is_superuser=True).exists()


def opens_administration(role: OrganisationRole, *, is_owner: bool) -> bool:
    return is_owner or role in STAFF


def reached_through(group_ids: Iterable[Any]) -> list[Any]:
    """The groups in which somebody has a share who is a member of these: what is shared with
    `member` is for everybody but guests, and is not lost by becoming an auditor."""
    held, keys = list(group_ids), group_keys()
    member = keys.get(OrganisationRole.MEMBER)
    if member in held or not any(keys.get(role) in held for role in EVERYBODY):
        return held
    return [*held, member]


def reaching(group_id: Any) -> list[Any]:
    """The groups whose members a share with this one reaches: the other way about."""
    keys = group_keys()
    if group_id != keys.get(OrganisationRole.MEMBER):
        return [group_id]
    return [keys[role] for role in keys if role in EVERYBODY]


def group_keys() -> dict[OrganisationRole, Any]:
    """The keys of the four groups, the greatest role first. Remembered once all are there."""
    if not _keys:
        names = [str(role) for role in OrganisationRole]
        found = dict(Group.objects.filter(name__in=names).values_list("name", "pk"))
        keys = {role: found[role] for role in OrganisationRole if role in found}
        if len(keys) < len(names):
            return keys
        _keys.update(keys)
    return dict(_keys)


def forget_keys() -> None:
    """Migrating may have numbered groups and permissions anew."""
    _keys.clear()
    _names.clear()


def _permission_names() -> dict[Any, str]:
    """By the keys of the permissions. Remembered once all are there."""
    if not _names:
        wanted = [*map(str, Ability), _MANAGES]
        labels, codenames = zip(*(name.split(".") for name in wanted), strict=True)
        rows = Permission.objects.filter(
            content_type__app_label__in=set(labels), codename__in=codenames
        ).values_list("pk", "content_type__app_label", "codename")
        named = {key: f"{label}.{codename}" for key, label, codename in rows}
        found = {key: name for key, name in named.items() if name in wanted}
        if len(found) < len(wanted):
            return found
        _names.update(found)
    return dict(_names)


def memberships() -> Any:
    """The rows of who is in which group. Written without signals: for the four groups alone."""
    return User.groups.through.objects
