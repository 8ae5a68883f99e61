"""Pages that need mail: not there where none can be sent, or people would wait for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts import throttle
from accounts.web.forms import MAILS, MAILS_ASKED
from rapidserve.errors import NotFound

View = Callable[..., HttpResponseBase]


def _with_mail(view: View) -> View:
    @wraps(view)
    def answer(request: HttpRequest, **options: Any) -> HttpResponseBase:
        if not settings.SMTP_URL:
            raise NotFound
        return view(request, **options)

    return answer


def _page_of_addresses(request: HttpRequest) -> HttpResponseBase:
    """Allauth's. Another code for an address is counted as the first was, by the form."""
    if request.method == "POST" and "action_send" in request.POST and request.user.is_authenticated:
        address = request.POST.get("email", "").strip().lower()
        throttle.count_use(MAILS, "mail", address)
        throttle.count_use(MAILS_ASKED, "mails asked", request.user.id.hex)
    answer: HttpResponseBase = views.email(request)
    return answer


addresses = _with_mail(_page_of_addresses)
confirm_address = _with_mail(views.email_verification_sent)
ask_for_password = _with_mail(views.password_reset)
