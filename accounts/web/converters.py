"""Keys in addresses."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError


class AuthenticatorKey:
    """A number on SQLite, hex digits on MongoDB. What can't be a key leads nowhere."""

    regex = "[0-9a-f]{1,24}"

    def to_python(self, value: str) -> Any:
        field = Authenticator._meta.pk  # noqa: SLF001 - Django's documented API
        try:
            return field.clean(value, None)
        except ValidationError as error:
            raise ValueError from error

    def to_url(self, value: Any) -> str:
        return str(value)


class Base36:
    """A person, in the address of a new password: up to the first dash."""

    regex = "[0-9A-Za-z]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
