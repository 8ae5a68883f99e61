"""What has been granted to somebody: three indexed queries, remembered for a second.

What is remembered is forgotten as soon as any grant or membership changes on this machine, and
within a second when it changes on another. So it answers what may be seen now, and nothing that
lasts: inside a transaction, and before a ticket is issued (`Actor.fresh`), the database is asked.
"""

import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Permission as DjangoPermission
from django.db.models import QuerySet

from accounts.models import User
from accounts.policy import reached_through
from files.access.actor import Actor
from files.access.roles import GRANTED, Role
from files.models import GroupGrant, UserGrant
from rapidserve.db import is_deciding, on_commit

REMEMBERED_SECONDS: Final = 1.0
AT_ONCE: Final = 500
"""Ids in one query: SQLite takes so many parameters, and each is one look into an index."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One grant as it concerns one person. `group`: the key of the group it was given to."""

    entry: UUID
    role: Role
    expires_at: datetime | None
    group: Any = None

    def counts(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


Holdings = tuple[Holding, ...]


def holdings(actor: Actor, entry_ids: Collection[UUID]) -> dict[UUID, Holdings]:
    """What the actor was granted on just these entries, expired or not: () where it is nothing."""
    if actor.fresh or is_deciding():
        return _read(actor.id, entry_ids, group_ids(actor.id))
    memory = _memory()
    known = memory.of(actor.id)
    missing = [entry_id for entry_id in entry_ids if entry_id not in known]
    if missing:
        if actor.id not in memory.groups:
            memory.groups[actor.id] = group_ids(actor.id)
        known.update(_read(actor.id, missing, memory.groups[actor.id]))
    return {entry_id: known[entry_id] for entry_id in entry_ids}


def all_holdings(actor: Actor) -> list[Holding]:
    """Everything the actor was granted anywhere."""
    return [
        *_from_users(UserGrant.objects.filter(user_id=actor.id)),
        *_from_groups(GroupGrant.objects.filter(group_id__in=group_ids(actor.id))),
    ]


def group_ids(user_id: UUID) -> list[Any]:
    """The keys of the groups that a person has a share in. From the table between, without a
    join."""
    members = User.groups.through.objects
    return reached_through(members.filter(user_id=user_id).values_list("group_id", flat=True))


def role_of(permission_id: Any) -> Role:
    """The role that a grant's `permission` stands for."""
    if permission_id not in _roles():
        _roles.cache_clear()
    return _roles()[permission_id]


def permission_for(role: Role) -> Any:
    """The key of the permission that stands for a role: the other way about."""
    return next(key for key, named in _roles().items() if named == role)


def changed() -> None:
    """A grant or a membership is being changed: nothing that was remembered counts any more."""
    _forget()
    on_commit(_tell_the_others)


@cache
def _roles() -> dict[Any, Role]:
    rows = DjangoPermission.objects.filter(
        content_type__app_label="files", content_type__model="entry", codename__in=GRANTED
    )
    return {key: Role(codename) for key, codename in rows.values_list("pk", "codename")}


def forget_roles(**_: Any) -> None:
    """Migrating may have numbered the permissions anew."""
    _roles.cache_clear()


def _read(
    user_id: UUID, entry_ids: Collection[UUID], groups: Collection[Any]
) -> dict[UUID, Holdings]:
    found: dict[UUID, list[Holding]] = defaultdict(list)
    ids = list(entry_ids)
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        mine = UserGrant.objects.filter(user_id=user_id, content_object_id__in=part)
        for holding in _from_users(mine):
            found[holding.entry].append(holding)
        if groups:
            ours = GroupGrant.objects.filter(group_id__in=groups, content_object_id__in=part)
            for holding in _from_groups(ours):
                found[holding.entry].append(holding)
    return {entry_id: tuple(found[entry_id]) for entry_id in ids}


def _from_users(rows: "QuerySet[UserGrant]") -> Iterator[Holding]:
    for entry, permission, expires_at in rows.values_list(
        "content_object_id", "permission_id", "expires_at"
    ):
        yield Holding(entry, role_of(permission), expires_at)


def _from_groups(rows: "QuerySet[GroupGrant]") -> Iterator[Holding]:
    for entry, permission, expires_at, group in rows.values_list(
        "content_object_id", "permission_id", "expires_at", "group_id"
    ):
        yield Holding(entry, role_of(permission), expires_at, group)


@dataclass
class _Memory:
    """`generation`: how the other processes of this machine say that rights have changed."""

    generation: int
    until: float
    groups: dict[UUID, list[Any]] = field(default_factory=dict)
    known: dict[UUID, dict[UUID, Holdings]] = field(default_factory=dict)

    def of(self, user_id: UUID) -> dict[UUID, Holdings]:
        return self.known.setdefault(user_id, {})


_current: list[_Memory] = []


def _memory() -> _Memory:
    """The whole memory is given up at once: it is never older than a second, nor large."""
    generation, now = _generation(), time.monotonic()
    memory = _current[0] if _current else None
    if memory is None or memory.generation != generation or memory.until < now:
        memory = _Memory(generation, now + REMEMBERED_SECONDS)
        _current[:] = [memory]
    return memory


def _forget() -> None:
    _current.clear()


def _generation() -> int:
    """The time at which a file was last touched: looking takes a microsecond, a query a hundred."""
    try:
        return os.stat(_sign()).st_mtime_ns  # noqa: PTH116 - for every question: no Path is made
    except OSError:
        return 0


def _tell_the_others() -> None:
    _forget()
    path = Path(_sign())
    path.touch()
    now = time.time_ns()  # the file system's own clock ticks too coarsely to tell two changes apart
    os.utime(path, ns=(now, now))


def _sign() -> str:
    return f"{settings.HOME}/rights"
