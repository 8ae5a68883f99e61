"""Public links: make, change, revoke; open one, count its downloads, take what is dropped."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F, Q

from accounts import throttle
from accounts.organisation import Ability
from accounts.policy import require
from files.access import links
from files.access.actor import Actor
from files.access.epochs import bump
from files.access.links import link_for, link_for_token, link_gone, token_of
from files.access.lookup import entry_for, is_in_sight
from files.access.roles import Permission
from files.actions.tree import add_folder, check_depth, checked_name, free_name
from files.journal import audit
from files.models import Entry, Link, Visit
from rapidserve.db import current_time, new_id, run_atomic, update_if
from rapidserve.errors import Conflict, Invalid, NotFound, PermissionDenied, RapidServeError

MAX_GUESSES: Final = 50
MAX_VISITS: Final = 200
"""By one link from one address, in 15 minutes: each leaves a row."""
MAX_LINKS: Final = 100
"""To one entry."""
VISIT_SECONDS: Final = 12 * 3600
"""A grant outlives every address that is given to it."""
MIN_PASSWORD: Final = 4
MAX_PASSWORD: Final = 1024
MAX_VISITOR_NAME: Final = 100
MAX_VISITOR_BYTES: Final = 200


class UNCHANGED:
    """Stands for a field that a change leaves as it is: None would take its limit away."""


@dataclass(frozen=True, slots=True)
class NewVisit:
    """A visit at the only moment its token is known."""

    row: Visit
    token: str


def create_link(
    *,
    actor: Actor,
    entry_id: UUID,
    role: str,
    password: str | None = None,
    expires_at: datetime | None = None,
    max_downloads: int | None = None,
) -> Link:
    """A link to an entry that the actor may share. Invalid(role_invalid, password_invalid,
    expires_at_invalid), Conflict(not_a_folder, too_many_links)."""
    _check_password(password)
    _check_end(expires_at)
    hashed = make_password(password) if password else ""  # takes long: outside the transaction

    def create() -> Link:
        entry = entry_for(actor, entry_id, Permission.SHARE)
        require(actor.user, Ability.MAKE_LINKS)
        if role == Link.Role.UPLOAD and not entry.is_folder:
            raise Conflict("Files can be dropped into a folder only.", code="not_a_folder")
        if Link.objects.filter(entry=entry, revoked_at=None).count() >= MAX_LINKS:
            raise Conflict(
                f"There are {MAX_LINKS} links to this, and more are not possible.",
                code="too_many_links",
                facts={"limit": MAX_LINKS},
            )
        link_id = new_id()
        told = {"link": str(link_id), "role": role, "password": bool(hashed)}
        audit.record_entry("link_made", entry, actor_id=actor.id, details=told)
        return Link.objects.create(
            id=link_id,
            entry=entry,
            role=role,
            digest=links.digest(token_of(link_id)),
            password=hashed,
            expires_at=expires_at,
            max_downloads=max_downloads,
            created_at=current_time(),
            created_by=actor.user,
        )

    return run_atomic(create)


def change_link(
    *,
    actor: Actor,
    link_id: UUID,
    password: Any = UNCHANGED,
    expires_at: Any = UNCHANGED,
    max_downloads: Any = UNCHANGED,
) -> Link:
    """None takes a limit away. Visitors who are there already are asked again: a new password ends
    their visits. Errors as of `create_link`."""
    values: dict[str, Any] = {}
    if password is not UNCHANGED:
        _check_password(password)
        values["password"] = make_password(password) if password else ""
    if expires_at is not UNCHANGED:
        _check_end(expires_at)
        values["expires_at"] = expires_at
    if max_downloads is not UNCHANGED:
        values["max_downloads"] = max_downloads

    def change() -> Link:
        link = link_for(actor, link_id)
        require(actor.user, Ability.MAKE_LINKS)
        if values and not update_if(Link.objects.filter(id=link.id, revoked_at=None), **values):
            raise NotFound
        for name, value in values.items():
            setattr(link, name, value)
        told = {"link": str(link.id), "changed": sorted(values)}
        audit.record_entry("link_changed", link.entry, actor_id=actor.id, details=told)
        if values.get("password"):
            Visit.objects.filter(link=link).update(expires_at=current_time())
        bump(link.id)
        return link

    return run_atomic(change)


def revoke_link(*, actor: Actor, link_id: UUID) -> None:
    """Its address, and every address that was given out by it, ends within two seconds."""

    def revoke() -> None:
        link = link_for(actor, link_id)
        Link.objects.filter(id=link.id).update(revoked_at=current_time())
        told = {"link": str(link.id)}
        audit.record_entry("link_revoked", link.entry, actor_id=actor.id, details=told)
        bump(link.id)

    run_atomic(revoke)


def find_link(*, token: str, address: str) -> Link:
    """As `link_for_token`. Whoever has tried many tokens that are none is told of none for a while:
    TooManyRequests."""
    throttle.refuse_beyond(MAX_GUESSES, "link guesses", address)
    try:
        return link_for_token(token)
    except NotFound:
        throttle.count_use(MAX_GUESSES, "link guesses", address)
        raise


def open_link(*, token: str, password: str | None, address: str, name: str = "") -> NewVisit:
    """Let a visitor in. PermissionDenied(password_wrong), TooManyRequests, Gone, NotFound."""
    link = find_link(token=token, address=address)
    if link.password:
        _check_visitors_password(link, password, address)
    throttle.count_use(MAX_VISITS, "link visits", str(link.id), address)
    visit_token = links.new_visit_token()
    now = current_time()
    visit = Visit(
        link=link,
        digest=links.digest(visit_token),
        name=_visitor_name(name),
        address=address,
        created_at=now,
        expires_at=now + timedelta(seconds=VISIT_SECONDS),
    )

    def begin() -> None:
        visit.save(force_insert=True)
        told = {"visit": str(visit.id), "name": visit.name}
        event = audit.Event("link_visited", link.entry_id, link.entry.name, told)
        audit.record(link.entry.space_id, [event], actor_id=None, via=f"link:{link.id}")

    run_atomic(begin)
    return NewVisit(visit, visit_token)


def count_download(actor: Actor, file: Entry) -> None:
    """A visit that asks for content the first time is one download; all it asks for later is free.

    Gone(link_gone) when there are none left. Others than visitors are not counted.
    """
    if actor.through is None:
        return
    through = actor.through
    room = Q(max_downloads=None) | Q(max_downloads__gt=F("downloads"))

    def count() -> None:
        uncounted = Visit.objects.filter(id=through.visit, counted_at=None)
        if not update_if(uncounted, counted_at=current_time()):
            return
        if not update_if(Link.objects.filter(room, id=through.link), downloads=F("downloads") + 1):
            raise link_gone()
        told = {"visit": str(through.visit)}
        audit.record_entry("link_downloaded", file, actor_id=None, details=told)

    run_atomic(count)


def drop_folder(actor: Actor, folder: Entry) -> Entry:
    """Where what is sent to `folder` goes: of visitors, into a folder of their own. In the caller's
    transaction."""
    if actor.through is None:
        return folder
    if folder.id != actor.through.entry:
        raise NotFound
    visit = Visit.objects.get(id=actor.through.visit)
    rows = Entry.objects.select_related("space", "parent")
    own = rows.filter(id=visit.folder, parent=folder).first() if visit.folder else None
    if own is not None and is_in_sight(own):
        return own
    name = free_name(folder, f"{visit.name or 'Visitor'} {visit.created_at:%Y-%m-%d %H.%M}")
    check_depth(folder, name)
    own = add_folder(actor, folder, name)
    Visit.objects.filter(id=visit.id).update(folder=own.id)
    return own


def forget_visits() -> int:
    """Those that ended a month ago: who came from where is not kept for ever."""
    before = current_time() - timedelta(days=30)
    return Visit.objects.filter(expires_at__lt=before).delete()[0]


def _check_visitors_password(link: Link, password: str | None, address: str) -> None:
    """Guessing is slowed down as it is for accounts, and counted in the database."""
    subject = f"link:{link.id}"
    throttle.check(username_key=subject, address=address)
    if password is None or len(password) > MAX_PASSWORD or not _is_right(link, password):
        if password is not None:
            throttle.record_failure(username_key=subject, address=address)
        raise PermissionDenied("The password is not right.", code="password_wrong")
    throttle.record_success(username_key=subject, address=address)


def _is_right(link: Link, password: str) -> bool:
    try:
        return check_password(password, link.password)
    except UnicodeEncodeError:
        return False


def _check_password(password: str | None) -> None:
    if password is None:
        if settings.LINK_PASSWORDS == "required":
            raise _bad_password("Links need a password here.")
        return
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise _bad_password(f"A link's password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise _bad_password("A password can't hold broken characters.") from None
    if "\0" in password:  # no call that opens the link could send it
        raise _bad_password("A password can't hold a NUL character.")


def _bad_password(message: str) -> RapidServeError:
    return Invalid(message, code="password_invalid", field="password")


def _check_end(expires_at: datetime | None) -> None:
    now, days = current_time(), settings.LINK_MAX_DAYS
    if expires_at is not None and expires_at <= now:
        raise Invalid("This date has passed.", code="expires_at_invalid", field="expires_at")
    if days and (expires_at is None or expires_at > now + timedelta(days=days)):
        raise Invalid(
            f"Links end after {days} days at the latest here.",
            code="expires_at_invalid",
            field="expires_at",
            facts={"days": days},
        )


def _visitor_name(name: str) -> str:
    """As the name of a folder could begin with it."""
    if not name.strip():
        return ""
    # The day and time follow, and all of it has to fit into a name.
    short = name.strip()[:MAX_VISITOR_NAME]
    while len(short.encode(errors="surrogatepass")) > MAX_VISITOR_BYTES:
        short = short[:-1]
    return checked_name(short.strip())
