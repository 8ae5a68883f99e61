"""The sign-in form: Django's, with our throttle in front of the password check."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from accounts import actions
from rapidserve.errors import NotAuthenticated, TooManyRequests
from rapidserve.observability.requests import client_address


class SignInForm(AuthenticationForm):
    """`wait` is set, in seconds, when the answer was that there were too many attempts."""

    wait: int | None = None

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        password = self.cleaned_data.get("password")
        if not username or not password or self.request is None:
            return self.cleaned_data  # the fields say what is missing
        try:
            self.user_cache = actions.sign_in(
                username=username, password=password, address=client_address(self.request)
            )
        except TooManyRequests as error:
            self.wait = error.retry_after
            raise ValidationError(error.message) from None
        except NotAuthenticated as error:
            raise ValidationError(error.message) from None
        return self.cleaned_data
