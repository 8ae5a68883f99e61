"""Forms of signing in: Django's and allauth's, our throttle in front of what can be guessed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from allauth.account.forms import AddEmailForm, ResetPasswordForm, UserTokenForm
from allauth.account.forms import ReauthenticateForm as ReauthenticatePasswordForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.internal.auth import (
    parse_authentication_response,
    parse_registration_response,
)
from allauth.socialaccount.forms import DisconnectForm
from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import actions, second_step, tasks, throttle
from accounts.models import User
from accounts.web.origins import refuse_other_pages
from rapidserve.errors import NotAuthenticated, TooManyRequests
from rapidserve.observability.requests import client_address

MAX_PASSKEY_NAME = 100
MAX_PASSKEY_ANSWER = 2**16
NO_ANSWER = "That was no answer of a passkey."
MAILS = 5
"""To one address in 15 minutes."""
MAILS_ASKED = 20
"""For one person, or by one address of the network, in 15 minutes."""


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


class NewAppForm(ActivateTOTPForm):
    """The code that proves the app is good for that alone."""

    def clean_code(self) -> str:
        code: str = super().clean_code()
        try:
            second_step.spend(self.user, code)
        except NotAuthenticated as error:
            raise ValidationError(error.message) from None
        return code


class PasskeyAnswer(forms.JSONField):
    """What a browser's passkey said. Python's parser stumbles over what is nested deep, or a number
    of thousands of digits."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > MAX_PASSKEY_ANSWER:
            raise ValidationError(NO_ANSWER)
        with _no_answer_of_a_passkey():
            return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Nothing to show again: an answer is good for one question."""
        del data
        return initial


class AsksPasskey:
    """What is no answer of a passkey is refused in words: allauth's parser stumbles over some."""

    fields: dict[str, forms.Field]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["credential"] = PasskeyAnswer(widget=forms.HiddenInput)


class AsksKnownPasskey(AsksPasskey):
    cleaned_data: dict[str, Any]

    def clean_credential(self) -> Any:
        with _no_answer_of_a_passkey():
            refuse_other_pages(parse_authentication_response(self.cleaned_data["credential"]))
            return super().clean_credential()  # type: ignore[misc] # of the form beside


class PasskeyForm(AsksKnownPasskey, AuthenticateWebAuthnForm):
    """After the password."""


class PasskeySignInForm(AsksKnownPasskey, LoginWebAuthnForm):
    """In place of the password."""


class PasskeyAgainForm(AsksKnownPasskey, ReauthenticateWebAuthnForm):
    """As `CodeAgainForm`."""


class NewPasskeyForm(AsksPasskey, AddWebAuthnForm):
    """A name of a length that a list can show."""

    name = forms.CharField(required=False, max_length=MAX_PASSKEY_NAME)

    def clean(self) -> dict[str, Any]:
        with _no_answer_of_a_passkey():
            if credential := self.cleaned_data.get("credential"):
                refuse_other_pages(parse_registration_response(credential))
            cleaned: dict[str, Any] = super().clean()
        return cleaned


class RenamePasskeyForm(EditWebAuthnForm):
    name = forms.CharField(max_length=MAX_PASSKEY_NAME)


@contextmanager
def _no_answer_of_a_passkey() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValidationError(NO_ANSWER) from error


class ForgottenPasswordForm(ResetPasswordForm):
    """Answered the same, and slowed down the same, whoever's address it is: nobody looks here."""

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        _count_mail(email, by=client_address(context.request))
        return email

    def save(self, request: HttpRequest, **_: Any) -> str:
        del request
        email: str = self.cleaned_data["email"]
        tasks.mail_new_password(email)
        return email


class NewAddressForm(AddEmailForm):
    """Nobody makes us send heaps of mail to somebody else."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        _count_mail(email, by=cast("User", self.user).id.hex)
        return email


def _count_mail(email: str, *, by: str) -> None:
    try:
        throttle.count_use(MAILS, "mail", email.lower())
        throttle.count_use(MAILS_ASKED, "mails asked", by)
    except TooManyRequests as error:
        raise ValidationError(error.message) from None


class ResetLinkForm(UserTokenForm):
    """Whoever was deactivated can't set a password for the day they are let in again."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()  # type: ignore[no-untyped-call] # theirs
        if not cast("User", self.reset_user).is_active:
            raise ValidationError("This link is not valid any more.")
        return cleaned


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
