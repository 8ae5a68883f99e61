"""How errors are documented: one shape, and for each status the codes it may carry."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class ErrorDetailSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable; programs act on it.")
    message = serializers.CharField(help_text="In plain words, for people.")
    field = serializers.CharField(allow_null=True, help_text="As in chunks.3.size.")
    hint = serializers.CharField(allow_null=True)
    request_id = serializers.CharField(help_text="Names the line in our log.")


class ErrorSerializer(serializers.Serializer[Any]):
    error = ErrorDetailSerializer()


_CODES = {
    400: "json_invalid, json_too_deep, json_duplicate_key, number_out_of_range, cursor_invalid.",
    401: "not_authenticated, credentials_invalid.",
    403: "permission_denied, csrf_failed.",
    404: "not_found: unknown and invisible look the same.",
    405: "method_not_allowed; `Allow` lists what is.",
    406: "not_acceptable.",
    409: "name_taken, cycle, chunk_conflict, chunks_missing, parent_gone, not_a_folder, "
    "not_a_file, other_space, is_root, is_personal, space_not_empty, too_many_spaces, "
    "copy_too_large.",
    410: "upload_gone, cursor_expired.",
    412: "stale; `current` is what is there now.",
    413: "body_too_large, file_too_large, too_many_chunks, pack_too_large; `limit`.",
    415: "media_type_unsupported.",
    422: "field_required, type_invalid, unknown_field, or a code of the field.",
    429: "too_many_attempts; `Retry-After` in seconds.",
    503: "busy; `Retry-After` in seconds.",
    507: "storage_full, quota_exceeded.",
}
ERRORS = {
    status: OpenApiResponse(ErrorSerializer, description=codes) for status, codes in _CODES.items()
}


def errors(*statuses: int) -> dict[int, Any]:
    """For `extend_schema(responses={200: …, **errors(401, 422)})`."""
    return {status: ERRORS[status] for status in statuses}


class StrictSerializerExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call] # no types
    """Says in the documentation that unknown fields are refused."""

    target_class = "rapidserve.api.serializers.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001 - as spectacular's own extensions do
        return {**schema, "additionalProperties": False}
