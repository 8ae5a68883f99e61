"""Groups of people: make, rename, delete, and who is in them. Each change is one transaction.

Everybody sees the groups they are in; who holds one of Django's permissions on groups sees all.
Those of the roles in the organisation are not among them: they say who somebody is, and `member`
would show everybody to everybody.
"""

import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

from django.contrib.auth.models import Group, Permission
from django.dispatch import Signal

from accounts import policy
from accounts.actions import is_plain, names_of
from accounts.models import User, name_key
from accounts.organisation import Ability
from rapidserve.db import run_atomic
from rapidserve.errors import Conflict, Invalid, NotFound, PermissionDenied

# action, group, by, details: something happened to a group that the audit log must tell.
group_happened = Signal()

Right = Literal["view", "add", "change", "delete"]
RIGHTS: Final[tuple[Right, ...]] = ("view", "add", "change", "delete")
MAX_GROUP_NAME: Final = 150

_acting: ContextVar[User | None] = ContextVar("acting", default=None)


def may(user: User, right: Right) -> bool:
    """By Django's own permissions, which superusers all have."""
    return user.has_perm(f"auth.{right}_group")


def sees_all_groups(user: User) -> bool:
    """And not only their own."""
    return any(may(user, right) for right in RIGHTS)


def sees_members(user: User) -> bool:
    """Guests find nobody, nor do they by being in a group with them."""
    return sees_all_groups(user) or policy.may(user, Ability.FIND_PEOPLE)


def may_act_on(user: User, right: Right, group: Group) -> bool:
    """Whether nothing of what `refuse_without` says stands against it."""
    return may(user, right) and not is_fixed(group) and not _is_for_owners(user, group)


def is_fixed(group: Group) -> bool:
    """Whether a group can't be renamed, deleted, or given members: it is a role in the
    organisation. The one place that says so: the actions, the pages, the administration and what
    guards Django's own means ask here.
    """
    return _has_fixed([group.pk])


def refuse_fixed(keys: Collection[Any]) -> None:
    """Raises Conflict(is_role) when one of the groups with these keys is fixed."""
    if _has_fixed(keys):
        raise Conflict(
            "This group is a role in the organisation. People are given it on their own page.",
            code="is_role",
        )


def group_for(user: User, key: Any, right: Right | None = None) -> Group:
    """The group with this primary key, None for none, if the person may see it and its members, and
    has the right if one is named. NotFound, PermissionDenied.
    """
    group = None if key is None else Group.objects.filter(pk=key).first()
    if group is None or is_fixed(group) or not (sees_all_groups(user) or _is_in(user, group)):
        raise NotFound
    if not sees_members(user):
        raise PermissionDenied("Your role in the organisation does not allow that.")
    if right is not None:
        refuse_without(user, right, group)
    return group


def visible_groups(user: User, *, after: str | None, limit: int) -> list[Group]:
    """By name; `after` is the name of the last one seen."""
    rows = Group.objects.all() if sees_all_groups(user) else Group.objects.filter(user=user)
    rows = rows.exclude(pk__in=list(policy.group_keys().values()))
    if after is not None:
        rows = rows.filter(name__gt=after)
    return list(rows.order_by("name")[:limit])


def members_of(group: Group, *, after: str | None, limit: int) -> list[User]:
    """By user name, deactivated ones too; `after` is the `username_key` of the last one seen."""
    people = User.objects.filter(groups=group)
    if after is not None:
        people = people.filter(username_key__gt=after)
    return list(people.order_by("username_key")[:limit])


def member_count(group: Group) -> int:
    return User.groups.through.objects.filter(group_id=group.pk).count()


def make_group(*, name: str, by: User) -> Group:
    """Raises PermissionDenied, Invalid (name_invalid) or Conflict (name_taken)."""
    return add_group(group=Group(name=name), by=by)


def add_group(*, group: Group, by: User) -> Group:
    """Save a group that isn't saved yet. Errors as of `make_group`."""

    def add() -> Group:
        refuse_taken_name(group.name)
        group.save(force_insert=True)
        _tell("group_made", group, by)
        return group

    refuse_without(by, "add")
    group.name = check_group_name(group.name)
    return run_atomic(add)


def rename_group(*, group: Group, name: str, by: User) -> None:
    """Errors as of `make_group`, Conflict(is_role), and NotFound when it is gone."""

    def rename() -> None:
        before = _still_there(group).name
        if name == before:
            return
        refuse_taken_name(name, group.pk)
        Group.objects.filter(pk=group.pk).update(name=name)
        group.name = name
        _tell("group_renamed", group, by, before=before)

    refuse_without(by, "change", group)
    name = check_group_name(name)
    run_atomic(rename)


def set_permissions(*, group: Group, permissions: Collection[Permission], by: User) -> None:
    """What its members may do by it, in place of what was. Twice is once. Only owners may.

    Errors as of `rename_group`.
    """

    def change() -> None:
        there = _still_there(group)
        before, after = set(there.permissions.all()), set(permissions)
        if before == after:
            return
        group.permissions.set(after)
        given, taken = names_of(after - before), names_of(before - after)
        _tell("group_permissions_set", group, by, given=given, taken=taken)

    if not by.is_superuser:
        raise PermissionDenied("Only owners give permissions.")
    refuse_without(by, "change", group)
    run_atomic(change)


def delete_group(*, group: Group, by: User) -> None:
    """Its members keep what they have otherwise. Raises NotFound, PermissionDenied,
    Conflict(is_role).
    """

    def delete() -> None:
        there = _still_there(group)
        _tell("group_deleted", there, by, members=member_count(there))
        there.delete()

    refuse_without(by, "delete", group)
    run_atomic(delete)


def add_member(*, group: Group, user: User, by: User) -> None:
    """Twice is once. Raises NotFound, PermissionDenied, Conflict(is_role)."""

    def add() -> None:
        if not _is_in(user, _still_there(group)):
            group.user_set.add(user)

    refuse_without(by, "change", group)
    with done_by(by):
        run_atomic(add)


def remove_member(*, group: Group, user: User, by: User) -> None:
    """Raises NotFound when they are not in it, PermissionDenied, Conflict(is_role)."""

    def remove() -> None:
        if not _is_in(user, _still_there(group)):
            raise NotFound("They are not in this group.")
        group.user_set.remove(user)

    refuse_without(by, "change", group)
    with done_by(by):
        run_atomic(remove)


def check_group_name(name: str) -> str:
    """The name as it is stored. Raises Invalid (name_invalid)."""
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= MAX_GROUP_NAME or not is_plain(name):
        raise Invalid(
            f"A group's name is 1 to {MAX_GROUP_NAME} visible characters.",
            code="name_invalid",
            field="name",
        )
    return name


def refuse_taken_name(name: str, but: Any = None) -> None:
    """Conflict(name_taken) for the name of another group than `but`, whatever the case.

    Groups have no column for it, and there are few: all names are read. Two who make the same one
    at once both write to the audit log, one after the other, and the second looks again.
    """
    key = name_key(name)
    for other, known in Group.objects.values_list("pk", "name"):
        if other != but and name_key(known) == key:
            raise Conflict(
                "There is a group with this name already.", code="name_taken", field="name"
            )


def refuse_without(by: User, right: Right, group: Group | None = None) -> None:
    """PermissionDenied for who has not the right, and for who is no owner of a group that allows
    something in the administration: whoever chose its members could make others of his kind.
    Conflict(is_role).
    """
    if not may(by, right):
        raise PermissionDenied("Only who administers groups may do this.")
    if group is None:
        return
    refuse_fixed([group.pk])
    if _is_for_owners(by, group):
        raise PermissionDenied(
            "This group allows something in the administration: it is for owners."
        )


@contextmanager
def done_by(user: User | None) -> Iterator[None]:
    """What changes inside was changed by this person: Django's signals and forms don't say."""
    token = _acting.set(user)
    try:
        yield
    finally:
        _acting.reset(token)


def who_acts() -> User | None:
    """As `done_by` was told; None outside of it."""
    return _acting.get()


def _has_fixed(keys: Collection[Any]) -> bool:
    return not set(policy.group_keys().values()).isdisjoint(keys)


def _is_for_owners(user: User, group: Group) -> bool:
    return not user.is_superuser and group.permissions.exists()


def _is_in(user: User, group: Group) -> bool:
    return User.groups.through.objects.filter(user_id=user.pk, group_id=group.pk).exists()


def _still_there(group: Group) -> Group:
    found = Group.objects.filter(pk=group.pk).first()
    if found is None:
        raise NotFound
    return found


def _tell(action: str, group: Group, by: User, **details: object) -> None:
    """In the caller's transaction."""
    group_happened.send(sender=Group, action=action, group=group, by=by, details=details)
