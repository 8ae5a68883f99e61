"""Write the audit log, in the transaction of what it tells of; find out if it was tampered with.

Each line's digest covers the one before, so that changing, removing or inserting a line breaks the
chain behind it, and its head says where it ends. Who can rewrite the whole database can rewrite the
chain: note what `manage.py verify_audit` prints somewhere else, and compare.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from django.db.models import F

from files.models import AuditHead, AuditLine, Entry
from rapidserve.db import current_time
from rapidserve.observability.requests import current_origin

NO_SPACE: Final = UUID(int=0)
"""The chain of what belongs to no space: people, tokens, groups."""
PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """What a line tells, beside who, when and from where."""

    action: str
    entry: UUID | None = None
    name: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def record(
    chain: UUID, events: Sequence[Event], *, actor_id: UUID | None, via: str | None = None
) -> None:
    """Append lines to a chain. Must run inside the transaction that makes the change: the head's
    row serialises the writers of a chain."""
    if not events:
        return
    head = _head(chain, len(events))
    origin, now = current_origin.get(), current_time()
    digest, lines = head.digest, []
    for seq, event in enumerate(events, head.seq - len(events) + 1):
        line = AuditLine(
            chain=chain,
            seq=seq,
            at=now,
            action=event.action,
            actor=actor_id,
            via=origin.via if via is None else via,
            address=origin.address,
            entry=event.entry,
            name=event.name,
            details=event.details,
        )
        digest = line.digest = digest_of(line, digest)
        lines.append(line)
    AuditLine.objects.bulk_create(lines)
    AuditHead.objects.filter(id=chain).update(digest=digest)


def record_entry(
    action: str, entry: Entry, *, actor_id: UUID | None, details: dict[str, Any] | None = None
) -> None:
    """As `record`, one line about an entry, in the chain of its space."""
    event = Event(action, entry.id, entry.name, details or {})
    record(entry.space_id, [event], actor_id=actor_id)


def digest_of(line: AuditLine, before: str) -> str:
    """SHA-256 over the line as JSON, and the digest of the line before."""
    return hashlib.sha256(_json({**_told(line), "before": before}).encode()).hexdigest()


def as_json(line: AuditLine) -> str:
    """The line as it is exported."""
    return _json({**_told(line), "digest": line.digest})


def _told(line: AuditLine) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "chain": str(line.chain),
        "seq": line.seq,
        "at": line.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "action": line.action,
        "actor": str(line.actor) if line.actor else None,
        "via": line.via,
        "address": line.address,
        "entry": str(line.entry) if line.entry else None,
        "name": line.name,
        "details": line.details,
    }


def _json(told: dict[str, Any]) -> str:
    """One text for one value: sorted keys, no spaces."""
    return json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def problems() -> Iterator[str]:
    """What is wrong with the chains, a sentence each; nothing when all is as it was written."""
    heads = {head.id: head for head in AuditHead.objects.order_by("id")}
    for head in heads.values():
        yield from _problems_of(head)
    for chain in sorted(set(AuditLine.objects.values_list("chain", flat=True).distinct())):
        if chain not in heads:
            yield f"{chain}: has lines, and no head."


def lines_of(chain: UUID) -> Iterator[AuditLine]:
    """In order, a page at a time: no query is open while the caller works."""
    after = 0
    while page := list(AuditLine.objects.filter(chain=chain, seq__gt=after).order_by("seq")[:PAGE]):
        yield from page
        after = page[-1].seq


def _problems_of(head: AuditHead) -> Iterable[str]:
    digest, expected = "", 1
    for line in lines_of(head.id):
        if line.seq != expected:
            yield f"{head.id}: line {expected} is missing."
            return
        if line.digest != digest_of(line, digest):
            yield f"{head.id}: line {line.seq} is not as it was written, or the one before it."
            return
        digest, expected = line.digest, expected + 1
    if (head.seq, head.digest) != (expected - 1, digest):
        yield f"{head.id}: ends at line {expected - 1}, and its head says {head.seq}."


def _head(chain: UUID, count: int) -> AuditHead:
    """The head after making room for so many lines, its digest still that of the last one."""
    if not AuditHead.objects.filter(id=chain).update(seq=F("seq") + count):
        return AuditHead.objects.create(id=chain, seq=count)
    return AuditHead.objects.get(id=chain)
