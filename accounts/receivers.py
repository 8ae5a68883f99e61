"""What happens beside Django's signing in and out."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.actions import end_session
from accounts.models import SignIn, User
from accounts.sessions import KEY, begin
from rapidserve.errors import NotFound


@receiver(user_logged_in)
def note_session(request: HttpRequest, user: User, **_: Any) -> None:
    begin(request, user)


@receiver(user_logged_out)
def end_its_session(request: HttpRequest, user: User | None, **_: Any) -> None:
    known = request.session.get(KEY)
    row = SignIn.objects.filter(id=UUID(known)).first() if known else None
    if row is not None:
        with suppress(NotFound):  # somebody ended it from elsewhere, just now
            end_session(sign_in=row, by=user)
