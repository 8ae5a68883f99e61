"""How allauth does things here: through `accounts.actions`, so that what its pages change is
checked, told and withdrawn as everywhere else.
"""

import unicodedata
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import actions, tasks
from accounts.models import MAX_NAME_LENGTH, User, name_key
from rapidserve.db import run_atomic
from rapidserve.errors import Invalid, NotAuthenticated, TooManyRequests, Unavailable
from rapidserve.keys import fernet_key
from rapidserve.observability.requests import client_address

MAX_NUMBERED: Final = 1000
"""How many people of one name an identity provider may send."""


class AccountAdapter(DefaultAccountAdapter):
    """Passwords, sessions and mail."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are made by those who administer, or come from the identity provider."""
        del request
        return False

    def get_login_stages(self) -> list[str]:
        """Not asked for an address first: most people here have none."""
        return ["accounts.second_step.SecondStep"]

    def is_reauthentication_required(self, **_: Any) -> bool:
        """Who came from the identity provider may have nothing that could be asked for."""
        return bool(self.get_reauthentication_methods(self.request.user))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Whether a signed-in person knows the password; slowed down like signing in."""
        try:
            return actions.authenticated(
                username=credentials["username"],
                password=credentials["password"],
                address=client_address(request),
            )
        except TooManyRequests as error:
            raise ValidationError(error.message) from None
        except NotAuthenticated:
            return None

    def clean_password(self, password: str, user: Any = None) -> str:
        try:
            actions.check_password(password, cast("User", user or User()))
        except Invalid as error:
            raise ValidationError(error.message) from None
        return password

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """All sessions end: whoever knew the old one may be in."""
        person = cast("User", user)
        actions.set_password(user=person, password=password, by=person)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """At the address that people type, whatever `Host` the request was sent with."""
        path = reverse("account_reset_password_from_key", args=("UID", "KEY"))
        return settings.PUBLIC_URL + path.replace("UID-KEY", quote(key))

    def send_password_reset_mail(
        self, user: AbstractBaseUser, email: str, context: dict[str, Any]
    ) -> None:
        """Not to whom only the identity provider lets in: whoever it lets go would be in by it."""
        is_linked_only = not user.has_usable_password() and (
            SocialAccount.objects.filter(user=user.pk).exists()
        )
        if not is_linked_only:
            super().send_password_reset_mail(user, email, context)

    def is_safe_url(self, url: str) -> bool:
        """As Django's own pages ask it. allauth would take every name that we answer for."""
        here, is_secure = self.request.get_host(), self.request.is_secure()
        return url_has_allowed_host_and_scheme(url, allowed_hosts={here}, require_https=is_secure)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """In the name of the public address, whatever `Host` the request was sent with; the worker
        has none."""
        host = urlsplit(settings.PUBLIC_URL).netloc
        told = {"email": email, "current_site": {"name": host, "domain": host}}
        self.render_mail(template_prefix, email, {**context, **told}).send()

    def render_mail(self, *arguments: Any, **options: Any) -> EmailMessage:
        message: EmailMessage = super().render_mail(*arguments, **options)
        return LaterMessage(message.subject, message.body, message.from_email, message.to)


class LaterMessage(EmailMessage):
    """Sent by the worker."""

    def send(self, *_: Any, **__: Any) -> int:
        if settings.SMTP_URL:
            tasks.send(self)
        return 1


class SecondStepAdapter(DefaultMFAAdapter):
    """What makes codes is stored encrypted: whoever sees the database can't make them."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises Unavailable when the master key of that time is not in the ring any more."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            raise Unavailable("The key that codes were stored with is missing here.") from None

    def get_totp_issuer(self) -> str:
        return "RapidServe"


class LinkedAccountAdapter(DefaultSocialAccountAdapter):
    """People whom the identity provider of the organisation knows (OpenID Connect).

    Known again by what it calls them for good (`sub`), never by an address or a name: those can be
    given to somebody else there, who would then be in somebody's files here.
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        del request, sociallogin
        return settings.OIDC_NEW_PEOPLE == "accept"

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Addresses are taken over when they were proven there, and are nobody's here."""
        del request
        sociallogin.email_addresses = [
            address
            for address in sociallogin.email_addresses
            if address.verified and not EmailAddress.objects.filter(email=address.email).exists()
        ]

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> User:
        del request
        user = cast("User", sociallogin.user)
        wanted = str(data.get("username") or "") or str(data.get("email") or "").partition("@")[0]
        user.username = _free_name(wanted)
        user.display_name = actions.fit_display_name(str(data.get("name") or "")) or user.username
        return user

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        del form
        user = cast("User", sociallogin.user)
        user.set_unusable_password()

        def save() -> User:
            # Both or none: somebody whom nothing leads back to would be made anew the next time.
            actions.add_user(user=user)
            sociallogin.save(request)
            return user

        return run_atomic(save)


def _free_name(wanted: str) -> str:
    """The name, or what comes nearest and is nobody's. Never one that looks like an address: who
    proves that later, or has long proven it, signs in with it."""
    letters = unicodedata.normalize("NFKC", wanted)
    kept = "".join(letter for letter in letters if letter.isalnum() or letter in "@.+-_")
    base = kept.partition("@")[0][: MAX_NAME_LENGTH - len(f"-{MAX_NUMBERED}")] or "person"
    numbered = (f"{base}-{number}" for number in range(2, MAX_NUMBERED + 1))
    for name in (base, *numbered):
        if not User.objects.filter(username_key=name_key(name)).exists():
            return name
    return base  # `add_user` will refuse it


def _cipher() -> MultiFernet:
    """By the ring of master keys, so that it can change."""
    if not settings.MASTER_KEYS:
        raise Unavailable("The master keys are missing here.")
    return MultiFernet(
        [Fernet(fernet_key(key.value, "second step")) for key in settings.MASTER_KEYS]
    )
