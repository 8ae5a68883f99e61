"""Forms of signing in: Django's and allauth's, our throttle in front of what can be guessed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.forms import ReauthenticateForm as ReauthenticatePasswordForm
from allauth.account.forms import ResetPasswordForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.socialaccount.forms import DisconnectForm
from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from accounts import actions, second_step, throttle
from rapidserve.errors import NotAuthenticated, TooManyRequests
from rapidserve.observability.requests import client_address

MAX_PASSKEY_NAME = 100
MAILS = 5
"""To one address in 15 minutes."""
MAILS_ASKED = 20
"""From one address of the network in 15 minutes."""


class SignInForm(AuthenticationForm):
    """`wait` is set, in seconds, when the answer was that there were too many attempts."""

    wait: int | None = None

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        password = self.cleaned_data.get("password")
        if not username or not password or self.request is None:
            return self.cleaned_data  # the fields say what is missing
        try:
            self.user_cache = actions.authenticated(
                username=username, password=password, address=client_address(self.request)
            )
        except TooManyRequests as error:
            self.wait = error.retry_after
            raise ValidationError(error.message) from None
        except NotAuthenticated as error:
            raise ValidationError(error.message) from None
        return self.cleaned_data


class PasswordAgainForm(ReauthenticatePasswordForm):
    """As `CodeAgainForm`. Offers a new password by mail only where there is mail."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not settings.SMTP_URL:
            self.fields["password"].help_text = ""


class ThrottledCode:
    """A code of the second step, checked as the API does."""

    user: Any
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            self.authenticator = second_step.check_code(self.user, code)
        except (NotAuthenticated, TooManyRequests) as error:
            raise ValidationError(error.message) from None
        return code


class CodeForm(ThrottledCode, AuthenticateForm):
    """After the password."""


class CodeAgainForm(ThrottledCode, ReauthenticateForm):
    """Before something that whoever finds an open browser should not do."""


class MadeUpCredential:
    """What is no answer of a passkey is refused in words: allauth's parser stumbles over some."""

    def clean_credential(self) -> Any:
        with _no_answer_of_a_passkey():
            return super().clean_credential()  # type: ignore[misc] # of the form beside


class PasskeyForm(MadeUpCredential, AuthenticateWebAuthnForm):
    """After the password."""


class PasskeySignInForm(MadeUpCredential, LoginWebAuthnForm):
    """In place of the password."""


class PasskeyAgainForm(MadeUpCredential, ReauthenticateWebAuthnForm):
    """As `CodeAgainForm`."""


class NewPasskeyForm(AddWebAuthnForm):
    """A name of a length that a list can show."""

    name = forms.CharField(required=False, max_length=MAX_PASSKEY_NAME)

    def clean(self) -> dict[str, Any]:
        with _no_answer_of_a_passkey():
            cleaned: dict[str, Any] = super().clean()
        return cleaned


class RenamePasskeyForm(EditWebAuthnForm):
    name = forms.CharField(max_length=MAX_PASSKEY_NAME)


@contextmanager
def _no_answer_of_a_passkey() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValidationError("That was no answer of a passkey.") from error


class ForgottenPasswordForm(ResetPasswordForm):
    """Answered the same, and slowed down the same, whoever's address it is."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        try:
            throttle.count_use(MAILS, "mail", email.lower())
            throttle.count_use(MAILS_ASKED, "mails asked", client_address(context.request))
        except TooManyRequests as error:
            raise ValidationError(error.message) from None
        return email


class UnlinkForm(DisconnectForm):
    """The account elsewhere goes, unless it is the only way in. allauth would ask for an address of
    mail as well, which most people here have none of."""

    def clean(self) -> dict[str, Any]:
        cleaned = forms.Form.clean(self) or {}
        user = self.request.user
        is_only_way = self.accounts.count() == 1 and not user.has_usable_password()
        if is_only_way and not second_step.has_passkey(user):
            raise ValidationError("It is the only way in: ask for a password first.")
        return cleaned
