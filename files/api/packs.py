"""/api/upload/pack: many small files in one request. See docs/api.md for the body's format."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import MayUseFiles
from files.access.actor import Actor
from files.actions.packs import MAX_BYTES, Outcome, PackedFile, store_pack
from files.api.requests import actor_of
from files.api.serializers import EntrySerializer, PackResultsSerializer, PackSerializer
from files.models import Entry, Upload
from rapidserve.api.parsers import parse_json
from rapidserve.api.schema import errors
from rapidserve.errors import Invalid, TooLarge, UnsupportedMediaType
from rapidserve.observability.requests import current_request_id

PACK_PATH: Final = "/api/upload/pack"
MEDIA_TYPE: Final = "application/vnd.rapidserve.pack"
HEAD_BYTES: Final = 2**20
"""Room for what is said of a thousand files with long names."""
PACK_BODY_BYTES: Final = 4 + HEAD_BYTES + MAX_BYTES

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Pack:
    """`head` is any JSON value; `data` are the bytes behind it."""

    head: Any
    data: memoryview


class PackParser(BaseParser):
    """A 4-byte big-endian length, that many bytes of JSON, then the files' bytes.

    Invalid(pack_invalid) when the length can't be meant, TooLarge, and what `parse_json` raises.
    """

    media_type = MEDIA_TYPE

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - DRF's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - DRF's signature
    ) -> Any:
        raw: bytes = stream.read(PACK_BODY_BYTES + 1)
        if len(raw) > PACK_BODY_BYTES:
            raise TooLarge(
                f"A pack may have at most {PACK_BODY_BYTES} bytes.",
                facts={"limit": PACK_BODY_BYTES},
            )
        length = _LENGTH.unpack_from(raw)[0] if len(raw) >= _LENGTH.size else HEAD_BYTES + 1
        end = _LENGTH.size + length
        if length > HEAD_BYTES or end > len(raw):
            raise Invalid(
                "A pack begins with the length of its head in four bytes, then the head.",
                code="pack_invalid",
            )
        return Pack(parse_json(raw[_LENGTH.size : end]), memoryview(raw)[end:])


class PackView(APIView):
    permission_classes = (MayUseFiles,)
    parser_classes = (PackParser,)

    @extend_schema(
        operation_id="upload_pack",
        request={MEDIA_TYPE: OpenApiTypes.BINARY},
        responses={
            200: PackResultsSerializer,
            **errors(400, 401, 403, 404, 409, 413, 415, 422, 503, 507),
        },
    )
    def post(self, request: Request) -> Response:
        """Make many small files at once: a result for each, and one that fails stops no other."""
        if not isinstance(request.data, Pack):
            raise UnsupportedMediaType(f"Send the body as {MEDIA_TYPE}.")
        asked = PackSerializer.checked(request.data.head)
        actor = actor_of(request)
        outcomes = store_pack(
            actor=actor,
            parent_id=asked["parent"],
            files=[PackedFile(**file) for file in asked["files"]],
            data=request.data.data,
            on_conflict=asked.get("on_conflict", Upload.OnConflict.VERSION),
        )
        results = [_result(actor, index, outcome) for index, outcome in enumerate(outcomes)]
        return Response({"results": results, "next": None})


def _result(actor: Actor, index: int, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Entry):
        return {"index": index, "file": EntrySerializer(outcome, context={"actor": actor}).data}
    return {"index": index, **outcome.as_dict(current_request_id.get())}
