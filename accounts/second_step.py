"""The second step of signing in: codes of an app or of a list kept, or a passkey (allauth.mfa).

What the pages ask is asked of programs, too: a password alone makes no token for whoever has one.
"""

from allauth.mfa.models import Authenticator

from accounts import throttle
from accounts.actions import note_failure
from accounts.models import User
from rapidserve.errors import NotAuthenticated

TRIES = 10
"""Wrong codes for one person in 15 minutes: to guess one of a million takes thousands of years."""
_CODES = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


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


def _is_unspent(user: User, code: str) -> bool:
    """What allauth remembers of spent codes is in the memory of one process; there are several."""
    written = "".join(letter for letter in code if letter.isalnum()).lower()
    return throttle.is_first("code spent", user.id.hex, written)
