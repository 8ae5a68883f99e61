"""The second step of signing in: codes of an app or of a list kept, or a passkey (allauth.mfa).

What the pages ask is asked of programs, too: a password alone makes no token for whoever has one.
"""

from typing import cast

from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare

from accounts import throttle
from accounts.actions import note_failure
from accounts.models import User
from rapidserve.errors import NotAuthenticated

TRIES = 10
"""Wrong codes for one person in 15 minutes: to guess one of a million takes thousands of years."""
_CODES = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


class SecondStep(AuthenticateStage):
    """Where a browser is between its password and its code. A password that is changed meanwhile,
    or a person who is deactivated, takes the first step back."""

    def handle(self) -> tuple[HttpResponse | None, bool]:
        self.state["password"] = self._person().get_session_auth_hash()
        answer: tuple[HttpResponse | None, bool] = super().handle()
        return answer

    def exit(self) -> HttpResponse:
        person = self._person()
        of_then, of_now = self.state.get("password", ""), person.get_session_auth_hash()
        stands = person.is_active and constant_time_compare(of_then, of_now)
        go = super().exit if stands else self.abort
        answer: HttpResponse = go()  # type: ignore[no-untyped-call] # theirs
        return answer

    def _person(self) -> User:
        return cast("User", self.login.user)


def is_needed(user: User) -> bool:
    steps = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return Authenticator.objects.filter(user=user, type__in=steps).exists()


def has_passkey(user: User) -> bool:
    """Whether something signs them in without a password."""
    keys = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return any(key.wrap().is_passwordless for key in keys)


def check(user: User, code: str | None) -> None:
    """For whoever has a second step: raises NotAuthenticated(code_needed), or as `check_code`."""
    if not is_needed(user):
        return
    if code is None:
        raise NotAuthenticated("A code of your second step is needed, too.", code="code_needed")
    check_code(user, code)


def check_code(user: User, code: str) -> Authenticator:
    """What the code was made with. Raises NotAuthenticated(code_invalid), TooManyRequests. A code
    is good for one time."""
    # Counted before it is looked at, or a thousand at once would all be looked at.
    throttle.count_use(TRIES, "code", user.id.hex)
    authenticator: Authenticator
    for authenticator in Authenticator.objects.filter(user=user, type__in=_CODES):
        if _is_valid(authenticator, code) and _is_unspent(user, code):
            throttle.forget("code", user.id.hex)
            authenticator.user = user
            return authenticator
    note_failure("second_step_failed", user=user)
    raise NotAuthenticated("This code is not valid, or no longer.", code="code_invalid")


def _is_valid(authenticator: Authenticator, code: str) -> bool:
    return bool(authenticator.wrap().validate_code(code))  # type: ignore[no-untyped-call] # theirs


def spend(user: User, code: str) -> None:
    """The code has been good for something else already. Raises NotAuthenticated (code_invalid)."""
    if not _is_unspent(user, code):
        raise NotAuthenticated("This code is not valid, or no longer.", code="code_invalid")


def _is_unspent(user: User, code: str) -> bool:
    """What allauth remembers of spent codes is in the memory of one process; there are several."""
    written = "".join(letter for letter in code if letter.isalnum()).lower()
    return throttle.is_first("code spent", user.id.hex, written)
