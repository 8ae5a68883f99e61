"""Request bodies: objects with known fields, the first problem answered with its place."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.fields import SkipField, empty

from rapidserve.api.fields import StrictField, within
from rapidserve.api.parsers import printable
from rapidserve.errors import Invalid, RapidServeError, UnsupportedMediaType


class StrictSerializer(StrictField, serializers.Serializer[Any]):
    """A JSON object. Raises Invalid: 422 `type_invalid` for anything else, `unknown_field` for a
    field it doesn't declare (so nobody sets `owner_id` by the way), then whatever the first wrong
    field says, in declared order, with `field` as a path.
    """

    default_error_messages = {"invalid": "This must be a JSON object."}

    @classmethod
    def checked(cls, data: Any) -> dict[str, Any]:
        """The validated values of a request's body."""
        serializer = cls(data=data)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values

    def run_validation(self, data: Any = empty) -> Any:
        is_final, data = self.validate_empty_values(data)
        return data if is_final else self.validate(self.to_internal_value(data))

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, QueryDict):
            # An empty form: with nothing to read, DRF has not asked our parser.
            raise UnsupportedMediaType("Send the body as application/json.")
        if not isinstance(data, Mapping):
            self.fail("invalid")
        self._refuse_unknown(data)
        values: dict[str, Any] = {}
        for name, field in self._writable().items():
            try:
                values[name] = field.run_validation(data.get(name, empty))
            except SkipField:
                continue
            except RapidServeError as error:
                raise within(name, error) from None
        return values

    def _writable(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: field for name, field in self.fields.items() if not field.read_only}

    def _refuse_unknown(self, data: Mapping[str, Any]) -> None:
        known = self._writable()
        for name in data:
            if name not in known:
                raise Invalid(
                    "There is no such field here.",
                    code="unknown_field",
                    field=printable(name),
                    hint=f"The fields are {', '.join(sorted(known))}." if known else None,
                )
