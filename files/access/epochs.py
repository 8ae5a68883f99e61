"""Epochs: how withdrawing something stops the tickets that were issued before.

Order matters when a ticket is issued: read the epochs first, check the rights after. A withdrawal
that falls between the two then finds a ticket with an old value, never an old right with a new one.
"""

import time
from collections.abc import Iterable
from functools import cache
from uuid import UUID

from django.db.models import F, UUIDField

from files.access.actor import Actor
from files.models import Epoch
from files.tickets import Epochs, epochs_of
from rapidserve.db import Prepared, current_time


def bump(subject: UUID) -> None:
    """Have every ticket that depends on it looked at again. In the caller's transaction.

    A row begins at the time of day in microseconds. Old rows are forgotten (files/tasks.py), and
    one that began at 1 again would be lower than what tickets from before carry: they would be
    served on, whatever was withdrawn.
    """
    now = current_time()
    if not Epoch.objects.filter(id=subject).update(value=F("value") + 1, changed_at=now):
        Epoch.objects.create(id=subject, value=time.time_ns() // 1000, changed_at=now)


def current(subjects: Iterable[UUID]) -> Epochs:
    """Today's values; a subject from which nothing was ever withdrawn has 0."""
    wanted = list(subjects)
    known = dict(_values_of(len(wanted))(*wanted))
    return epochs_of((subject, known.get(subject, 0)) for subject in wanted)


@cache
def _values_of(count: int) -> Prepared[tuple[UUID, int]]:
    return Prepared(
        lambda *ids: Epoch.objects.filter(id__in=ids).values_list("id", "value"),
        *[UUIDField() for _ in range(count)],
    )


def subjects_of(actor: Actor, space_id: UUID) -> list[UUID]:
    link = [actor.through.link] if actor.through else []
    return [space_id, actor.id, *([actor.credential] if actor.credential else []), *link]
