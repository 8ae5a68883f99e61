"""Fields that take a value as it was meant or refuse it; nothing is coerced, trimmed or cut.

DRF's own fields read true as 1, 12 as "12" and " a " as "a". Each field here answers the first
problem as `Invalid` with the `code` it was declared with, so that a view need not translate.
A field that is missing is 422 `field_required` whatever its code.
"""

import datetime as dt
import re
import uuid
from typing import Any, NoReturn

from rest_framework import serializers

from rapidserve.errors import Invalid, NotFound, RapidServeError

_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
# Windows counts its file times from 1601; before that, and in the year 10,000, it is a mistake.
FIRST_YEAR = 1600


class StrictField(serializers.Field[Any, Any, Any, Any]):
    """What the fields below share: `code` is what every refusal but a missing field is called."""

    default_error_messages = {
        "required": "This field is required.",
        "null": "This field can't be null.",
    }

    def __init__(self, *, code: str = "type_invalid", **kwargs: Any) -> None:
        self.code = code
        super().__init__(**kwargs)

    def fail(self, key: str, **facts: Any) -> NoReturn:
        raise Invalid(
            self.error_messages[key].format(**facts),
            code="field_required" if key == "required" else self.code,
        )

    def run_validators(self, value: Any) -> None:
        """The limits (length, range) under the field's own code."""
        try:
            super().run_validators(value)
        except serializers.ValidationError as error:
            raise Invalid(_first_message(error.detail), code=self.code) from None


class StrictCharField(StrictField, serializers.CharField):
    """A string, kept to the letter. NUL and lone surrogates are refused: they parse, and then
    break the database, UTF-8 or a header.
    """

    default_error_messages = {
        "invalid": "This must be a string.",
        "blank": "This can't be empty.",
        "max_length": "This can't be longer than {max_length} characters.",
        "min_length": "This can't be shorter than {min_length} characters.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class StrictIntegerField(StrictField, serializers.IntegerField):
    """A JSON integer: not 1.0, not "1", and not true, which Python counts as 1."""

    default_error_messages = {
        "invalid": "This must be a whole number.",
        "max_value": "This can't be more than {max_value}.",
        "min_value": "This can't be less than {min_value}.",
    }

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


class StrictBooleanField(StrictField, serializers.BooleanField):
    """true or false: not 1, not "yes"."""

    default_error_messages = {"invalid": "This must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class UUIDField(StrictField, serializers.UUIDField):
    """A reference to something by id. Ids are opaque: one that can't exist is answered as one that
    doesn't, 404 `not_found`, in the only spelling we hand out (lower case, with dashes).
    """

    default_error_messages = {"invalid": "An id is a string."}

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str):
            self.fail("invalid")
        return parse_id(data)


class TimestampField(StrictField, serializers.DateTimeField):
    """RFC 3339 with an offset, years 1600 to 9999 in UTC; answered in UTC. Nanoseconds are kept to
    the microsecond: file systems send nine digits, databases keep six.
    """

    default_error_messages = {
        "invalid": "This must be a time such as 2026-03-01T09:30:00Z.",
    }

    def __init__(self, *, code: str = "time_invalid", **kwargs: Any) -> None:
        super().__init__(code=code, **kwargs)

    def to_internal_value(self, value: Any) -> dt.datetime:
        if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value.upper()):
            self.fail("invalid")
        try:
            moment = dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
        except (ValueError, OverflowError):  # 31 February; 9999-12-31T23:59:59-01:00
            self.fail("invalid")
        if moment.year < FIRST_YEAR:
            self.fail("invalid")
        return moment


class ChoiceField(StrictField, serializers.ChoiceField):
    """One of a few words."""

    default_error_messages = {"invalid_choice": "This must be one of {words}."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", words=", ".join(self.choices))
        return data


class StrictListField(StrictField, serializers.ListField):
    """A list; the first item that is refused is named with its index, as in `chunks.3.sha256`."""

    default_error_messages = {
        "not_a_list": "This must be a list.",
        "max_length": "This can't hold more than {max_length} items.",
        "min_length": "This can't hold fewer than {min_length} items.",
        "empty": "This can't be empty.",
    }

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if not data and not self.allow_empty:
            self.fail("empty")
        # Before the items are looked at: a list of ten million is refused for its length at once.
        self.run_validators(data)
        return [self._item(index, item) for index, item in enumerate(data)]

    def _item(self, index: int, item: Any) -> Any:
        try:
            return self.child.run_validation(item)
        except RapidServeError as error:
            raise within(str(index), error) from None


def parse_id(text: str) -> uuid.UUID:
    """The id that `text` spells. Raises NotFound."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        raise NotFound from None
    if str(value) != text:
        raise NotFound
    return value


def within(name: str, error: RapidServeError) -> RapidServeError:
    """The same error, its `field` now a path that starts at the container called `name`."""
    error.field = f"{name}.{error.field}" if error.field else name
    return error


def _first_message(detail: Any) -> str:
    while isinstance(detail, list | dict):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail))
    return str(detail)
