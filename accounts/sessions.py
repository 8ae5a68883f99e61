"""Sessions as their person sees them: where one is signed in, and signing out from afar.

Django keeps a session as a sealed bag under a random key. A `SignIn` row beside it says whose it
is, and is the credential of what the session asks for: withdrawing it stops addresses it was given.
"""

import datetime as dt
from importlib import import_module
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import SignIn, User
from rapidserve.observability.requests import client_address

KEY: Final = "sign_in"
"""In the session: the id of its row."""
USED: Final = "used_at"
MAX_AGENT: Final = 200
USE_NOTED_EVERY: Final = dt.timedelta(minutes=1)


def sign_in_of(request: HttpRequest) -> UUID | None:
    """The row of the session that a request came with; made now for one that has none."""
    user = request.user
    if not isinstance(user, User) or not user.is_authenticated:
        return None
    known = request.session.get(KEY)
    return UUID(known) if known else begin(request, user)


def note_use(request: HttpRequest) -> None:
    """`last_used_at`, to the minute. When the database is busy the next request notes it."""
    sign_in, now = sign_in_of(request), timezone.now()
    noted = request.session.get(USED, 0)
    if sign_in is None or now.timestamp() - noted < USE_NOTED_EVERY.total_seconds():
        return
    try:
        SignIn.objects.filter(id=sign_in).update(last_used_at=now, address=client_address(request))
    except OperationalError:
        return
    request.session[USED] = int(now.timestamp())


def forget(sign_in: SignIn) -> None:
    """End the session itself: whoever has its cookie is nobody again."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(sign_in.session_key)
    store.delete()


def clear_expired() -> None:
    """Whoever only begins to sign in by a passkey or elsewhere leaves a session behind, too."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def begin(request: HttpRequest, user: User) -> UUID:
    if request.session.session_key is None:
        request.session.save()
    now = timezone.now()
    row, _ = SignIn.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "address": client_address(request),
            "agent": request.headers.get("User-Agent", "")[:MAX_AGENT],
            "created_at": now,
            "last_used_at": now,
        },
    )
    request.session[KEY] = str(row.id)
    request.session[USED] = int(now.timestamp())
    return row.id
