"""Pages that need mail: not there where none can be sent, or people would wait for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from rapidserve.errors import NotFound

View = Callable[..., HttpResponseBase]


def _with_mail(view: View) -> View:
    @wraps(view)
    def answer(request: HttpRequest, **options: Any) -> HttpResponseBase:
        if not settings.SMTP_URL:
            raise NotFound
        return view(request, **options)

    return answer


addresses = _with_mail(views.email)
confirm_address = _with_mail(views.email_verification_sent)
ask_for_password = _with_mail(views.password_reset)
