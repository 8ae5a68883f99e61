"""Public links as addresses: their tokens, and who it is that comes by one.

A link's token is made of its id and the installation's secret, so that its address can be shown
again; the database holds a digest of it only. A visitor acts in the name of who made the link, and
never may more than the link's role and its maker's own rights, as they are today, allow together.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.organisation import Ability
from accounts.policy import may
from files.access.actor import Actor, ThroughLink
from files.access.lookup import entry_for, is_in_sight
from files.access.policy import permissions
from files.access.roles import LINK_PERMISSIONS, Permission
from files.models import Entry, Link, Visit
from rapidserve.db import current_time
from rapidserve.errors import Gone, NotFound
from rapidserve.observability.requests import came_via

TOKEN_BYTES: Final = 16
VISIT_PREFIX: Final = "lg_"
_VISIT = re.compile(r"lg_[A-Za-z0-9_-]{43}")


def token_of(link_id: UUID) -> str:
    """128 bits as 22 letters, digits, - and _."""
    key = hmac.digest(settings.SECRET_KEY.encode(), b"rapidserve link v1", "sha256")
    mac = hmac.digest(key, link_id.bytes, "sha256")[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def shown_token(link: Link) -> str | None:
    """The token, to who may share the entry; None when it was made under another secret."""
    token = token_of(link.id)
    return token if digest(token) == link.digest else None


def new_visit_token() -> str:
    return VISIT_PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored in place of a token: there is nothing to guess in 128 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def link_for_token(token: str) -> Link:
    """A link that works. NotFound for what is no link's token; Gone(link_gone) for one that was
    revoked, has expired, was used up, or whose maker may not share that any more."""
    rows = Link.objects.select_related("entry__space", "entry__parent", "created_by")
    link = rows.filter(digest=digest(token)).first()
    if link is None:
        raise NotFound
    if is_used_up(link) or not _works(link):
        raise link_gone()
    return link


def link_for(actor: Actor, link_id: UUID) -> Link:
    """A link, for who may share what it leads to. NotFound."""
    link = Link.objects.filter(id=link_id, revoked_at=None).first()
    if link is None:
        raise NotFound
    needed = Permission.VIEW if actor.administers else Permission.SHARE
    link.entry = entry_for(actor, link.entry_id, needed)
    return link


def link_gone() -> Gone:
    return Gone(
        "This link does not work any more.",
        code="link_gone",
        hint="Ask whoever gave it to you for another one.",
    )


def is_used_up(link: Link) -> bool:
    return link.max_downloads is not None and link.downloads >= link.max_downloads


def looker(link: Link) -> Actor:
    """Who looks at a link's page without having asked for anything: he is nobody, and leaves no
    trace. What he may see is what the link's role lets him see."""
    return _visitor(link, Visit(link=link), LINK_PERMISSIONS[link.role] - {Permission.ADD})


def visitor_with(token: str) -> Actor | None:
    """Who has this grant, if the link still works."""
    if not _VISIT.fullmatch(token):
        return None
    return _acting(Visit.objects.filter(digest=digest(token)))


def visitor(visit_id: UUID) -> Actor | None:
    """As `visitor_with`, by the id of the visit, which tickets carry."""
    return _acting(Visit.objects.filter(id=visit_id))


def _acting(visits: QuerySet[Visit]) -> Actor | None:
    rows = visits.select_related("link__entry__space", "link__entry__parent", "link__created_by")
    visit = rows.filter(expires_at__gt=current_time()).first()
    if visit is None or not _works(visit.link):
        return None
    came_via(f"link:{visit.link_id}")
    return _visitor(visit.link, visit, LINK_PERMISSIONS[visit.link.role])


def _visitor(link: Link, visit: Visit, allowed: frozenset[Permission]) -> Actor:
    ends = [end for end in (visit.expires_at, link.expires_at) if end]
    return Actor(
        link.created_by,
        credential=visit.id,
        until=min(ends, default=None),
        through=ThroughLink(link.id, visit.id, link.entry_id, allowed),
    )


def _works(link: Link) -> bool:
    """Not revoked, not expired, and there is something that its maker may still show."""
    if link.revoked_at or (link.expires_at and link.expires_at <= current_time()):
        return False
    return is_in_sight(link.entry) and _maker_may(link, link.entry)


def _maker_may(link: Link, entry: Entry) -> bool:
    """Asked of the database: what a visitor is given outlasts what is remembered."""
    held = permissions(Actor(link.created_by, fresh=True), entry)
    needed = Permission.EDIT if link.role == Link.Role.UPLOAD else Permission.VIEW
    allowed = needed in held and Permission.SHARE in held
    return allowed and may(link.created_by, Ability.MAKE_LINKS)
