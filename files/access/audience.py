"""Who can see an entry, in which role, and why: every grant that reaches it, and what comes of it.

Needed where rights are explained and changed; whether somebody may do something is asked of
files.access.policy alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Model, Q

from accounts.models import User, name_key
from accounts.policy import reaching
from files.access.actor import Actor
from files.access.policy import ancestors, sights
from files.access.rights import group_ids, role_of
from files.access.roles import Role, greatest
from files.models import Entry, GroupGrant, UserGrant
from rapidserve.db import current_time

PEOPLE_AT_MOST: Final = 1000
"""Persons that one answer names."""

SubjectType = Literal["user", "group"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a role is given to. `key` is the primary key of the person or of the group."""

    type: SubjectType
    key: Any
    name: str

    @property
    def id(self) -> str:
        return str(self.key)

    @property
    def identity(self) -> tuple[str, Any]:
        return self.type, self.key


@dataclass(frozen=True, slots=True)
class Reason:
    """A grant, or owning the space. `source` is the entry it stands on: this one, or one above."""

    subject: Subject
    role: Role
    expires_at: datetime | None
    source: UUID

    def counts(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


@dataclass(frozen=True, slots=True)
class Access:
    """What somebody may do with an entry, and all the reasons that give it, also smaller ones."""

    user: User
    role: Role
    reasons: tuple[Reason, ...]


def reasons(entry: Entry) -> list[Reason]:
    """The owner, and every grant on the entry and above, expired ones too; the nearest last."""
    chain = [*ancestors(entry), entry.id]
    people = UserGrant.objects.filter(content_object_id__in=chain).prefetch_related("user")
    groups = GroupGrant.objects.filter(content_object_id__in=chain).prefetch_related("group")
    owner = Subject("user", entry.space.owner_id, entry.space.owner.username)
    found = [Reason(owner, Role.OWNER, None, entry.space.root)]
    found += [
        Reason(
            Subject("user", grant.user_id, grant.user.username),
            role_of(grant.permission_id),
            grant.expires_at,
            grant.content_object_id,
        )
        for grant in people
    ]
    found += [
        Reason(
            Subject("group", grant.group_id, grant.group.name),
            role_of(grant.permission_id),
            grant.expires_at,
            grant.content_object_id,
        )
        for grant in groups
    ]
    place = {entry_id: depth for depth, entry_id in enumerate(chain)}
    return sorted(found, key=lambda reason: (place[reason.source], reason.subject.name))


def audience(given: Iterable[Reason]) -> list[Access]:
    """Every active person for whom these reasons count today, by user name, groups taken apart."""
    now = current_time()
    counting = [reason for reason in given if reason.counts(now)]
    members = _members({r.subject.key for r in counting if r.subject.type == "group"})
    per_person: dict[UUID, list[Reason]] = defaultdict(list)
    for reason in counting:
        alone = reason.subject.type == "user"
        for user_id in [reason.subject.key] if alone else members[reason.subject.key]:
            per_person[user_id].append(reason)
    people = User.objects.filter(id__in=list(per_person), is_active=True).order_by("username_key")
    return [
        Access(user, role, tuple(per_person[user.id]))
        for user in people
        if (role := greatest(reason.role for reason in per_person[user.id]))
    ]


def reasons_for(user: User, given: Sequence[Reason]) -> list[Reason]:
    """Those that concern one person, by himself or by a group, whether or not they count today."""
    theirs = {("user", user.id), *(("group", key) for key in group_ids(user.id))}
    return [reason for reason in given if reason.subject.identity in theirs]


def visible_sources(actor: Actor, entry: Entry, given: Iterable[Reason]) -> dict[UUID, Entry]:
    """The folders above on which these stand, as far as the actor may know of them."""
    wanted = {reason.source for reason in given} - {entry.id}
    rows = Entry.objects.select_related("space", "parent").filter(id__in=wanted)
    found = {row.id: row for row in rows}
    seen = sights(actor, list(found.values()))
    return {entry_id: row for entry_id, row in found.items() if seen[entry_id].permissions}


def subject_of(kind: str, text: str) -> Subject | None:
    """The active person, or the group, with this id; None when there is none."""
    key = key_of(kind, text)
    if key is None:
        return None
    if kind == "user":
        user = User.objects.filter(pk=key, is_active=True).first()
        return Subject("user", user.pk, user.username) if user else None
    group = Group.objects.filter(pk=key).first()
    return Subject("group", group.pk, group.name) if group else None


def key_of(kind: str, text: str) -> Any:
    """The primary key that an id of a person or group stands for; None for what can't be one."""
    models: dict[str, type[Model]] = {"user": User, "group": Group}
    if kind not in models:
        return None
    field = models[kind]._meta.pk  # noqa: SLF001 - Django's documented API
    try:
        key = field.clean(text, None)  # also that the number is one the database can hold
    except (ValueError, TypeError, ValidationError):
        return None
    return None if isinstance(key, int) and str(key) != text else key


def subject_called(name: str) -> Subject | None:
    """The active person with this user name, whatever its case, or else the group."""
    user = User.objects.filter(username_key=name_key(name), is_active=True).first()
    if user:
        return Subject("user", user.id, user.username)
    group = Group.objects.filter(name=name).first()
    return Subject("group", group.pk, group.name) if group else None


def given_to_group(key: Any) -> int:
    """On how many entries a group has a role today."""
    now = current_time()
    counting = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return GroupGrant.objects.filter(counting, group_id=key).count()


def _members(groups: set[Any]) -> dict[Any, list[UUID]]:
    sources = {group: reaching(group) for group in groups}
    wanted = {each for source in sources.values() for each in source}
    found: dict[Any, list[UUID]] = {group: [] for group in wanted}
    rows = User.groups.through.objects.filter(group_id__in=list(wanted))
    for group, user in rows.values_list("group_id", "user_id"):
        found[group].append(user)
    return {
        group: [user for each in source for user in found[each]]
        for group, source in sources.items()
    }
