"""Groups of people: make, rename, delete, and who is in them. Each change is one transaction.

Everybody sees the groups they are in; who holds one of Django's permissions on groups sees all.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

from django.contrib.auth.models import Group
from django.dispatch import Signal

from accounts.actions import is_plain
from accounts.models import User, name_key
from rapidserve.db import run_atomic
from rapidserve.errors import Conflict, Invalid, NotFound, PermissionDenied

# action, group, by, details: something happened to a group that the audit log must tell.
group_happened = Signal()

Right = Literal["add", "change", "delete"]
RIGHTS: Final[tuple[Right, ...]] = ("add", "change", "delete")
MAX_GROUP_NAME: Final = 150

_acting: ContextVar[User | None] = ContextVar("acting", default=None)


def may(user: User, right: Right) -> bool:
    """By Django's own permissions, which superusers all have."""
    return user.has_perm(f"auth.{right}_group")


def keeps_groups(user: User) -> bool:
    """Whether someone sees all groups, and not only their own."""
    return any(may(user, right) for right in RIGHTS)


def is_fixed(group: Group) -> bool:
    """Whether a group can't be renamed, deleted, or given members by these actions. The one place
    that says so: the actions, the pages and the administration ask here.
    """
    del group
    return False


def group_for(user: User, key: Any, right: Right | None = None) -> Group:
    """The group with this primary key, None for none, if the person may see it, and has the right
    if one is named. NotFound, PermissionDenied.
    """
    group = None if key is None else Group.objects.filter(pk=key).first()
    if group is None or not (keeps_groups(user) or _is_in(user, group)):
        raise NotFound
    if right is not None and not may(user, right):
        raise PermissionDenied("Only who administers groups may do this.")
    return group


def visible_groups(user: User, *, after: str | None, limit: int) -> list[Group]:
    """By name; `after` is the name of the last one seen."""
    rows = Group.objects.all() if keeps_groups(user) else Group.objects.filter(user=user)
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
    """Errors as of `make_group`, and NotFound when it is gone."""

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


def delete_group(*, group: Group, by: User) -> None:
    """Its members keep what they have otherwise. Raises NotFound, PermissionDenied."""

    def delete() -> None:
        there = _still_there(group)
        _tell("group_deleted", there, by, members=member_count(there))
        there.delete()

    refuse_without(by, "delete", group)
    run_atomic(delete)


def add_member(*, group: Group, user: User, by: User) -> None:
    """Twice is once. Raises NotFound, PermissionDenied."""

    def add() -> None:
        if not _is_in(user, _still_there(group)):
            group.user_set.add(user)

    refuse_without(by, "change", group)
    with done_by(by):
        run_atomic(add)


def remove_member(*, group: Group, user: User, by: User) -> None:
    """Raises NotFound when they are not in it, PermissionDenied."""

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
    """PermissionDenied for who has not the right, and for a group that is not to be changed."""
    if not may(by, right):
        raise PermissionDenied("Only who administers groups may do this.")
    if group is not None and is_fixed(group):
        raise PermissionDenied("This group belongs to the installation, and stays as it is.")


@contextmanager
def done_by(user: User | None) -> Iterator[None]:
    """Memberships that change inside were changed by this person: Django's signal doesn't say."""
    token = _acting.set(user)
    try:
        yield
    finally:
        _acting.reset(token)


def who_acts() -> User | None:
    """As `done_by` was told; None outside of it."""
    return _acting.get()


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
