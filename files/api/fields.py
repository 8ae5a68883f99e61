"""Fields of the files API that need codes of their own."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field

from files.chunkstore.chunk import CHUNK_SIZE
from files.content.writer import PAGE, ChunkSpec
from files.models import Space
from rapidserve.api.fields import StrictField, StrictIntegerField, within
from rapidserve.api.parsers import printable
from rapidserve.errors import Invalid, TooLarge

MAX_SIZE = 2**63 - 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": 255})
class NameField(StrictField):
    """Any string: files.names says what is wrong with it. Anything else is type_invalid."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise Invalid("A name is a string.", code="type_invalid")
        return data

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "string", "enum": [Space.Kind.TEAM.value]})
class SpaceKindField(StrictField):
    """What one may make: team spaces. A personal one comes with the account."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise Invalid("A kind is a string.", code="type_invalid")
        if data != Space.Kind.TEAM:
            raise Invalid(
                f"A space of this kind can't be made; kind is {Space.Kind.TEAM}.",
                code="kind_invalid",
                hint="Vaults come with a later release." if data == "vault" else None,
            )
        return data

    def to_representation(self, value: str) -> str:
        return value


class SizeField(StrictIntegerField):
    """Bytes: a whole number from 0 to 2^63-1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(code="size_invalid", min_value=0, max_value=MAX_SIZE, **kwargs)


@extend_schema_field({"type": "string", "pattern": "^[0-9a-f]{64}$"})
class HashField(StrictField):
    """A SHA-256."""

    def to_internal_value(self, data: Any) -> str:
        return _hash(data)

    def to_representation(self, value: str) -> str:
        return value


class IndexField(StrictIntegerField):
    """The number of a chunk."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(code="chunk_index_invalid", min_value=0, max_value=2**31 - 1, **kwargs)


@extend_schema_field(
    {
        "type": "array",
        "maxItems": PAGE,
        "items": {
            "type": "object",
            "required": ["sha256", "size"],
            "additionalProperties": False,
            "properties": {
                "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "size": {"type": "integer", "minimum": 1, "maximum": CHUNK_SIZE},
            },
        },
    }
)
class ChunksField(StrictField):
    """`[{"sha256", "size"}, …]`. Read by hand: a thousand nested serializers take 40 ms."""

    def to_internal_value(self, data: Any) -> list[ChunkSpec]:
        if not isinstance(data, list):
            raise Invalid("This must be a list of chunks.", code="type_invalid")
        if len(data) > PAGE:
            raise TooLarge(
                f"At most {PAGE} chunks can be announced in one call.",
                code="too_many_chunks",
                facts={"limit": PAGE},
            )
        return [_chunk(index, item) for index, item in enumerate(data)]

    def to_representation(self, value: Any) -> Any:
        return value


def _chunk(index: int, item: Any) -> ChunkSpec:
    """`index` counts within this call."""
    if not isinstance(item, dict):
        raise Invalid("A chunk is an object.", code="type_invalid", field=str(index))
    for name in item:
        if name not in {"sha256", "size"}:
            raise Invalid(
                "There is no such field here.",
                code="unknown_field",
                field=f"{index}.{printable(name)}",
                hint="The fields are sha256, size.",
            )
    for name in ("sha256", "size"):
        if name not in item:
            raise Invalid("This field is required.", code="field_required", field=f"{index}.{name}")
    size = item["size"]
    try:
        sha256 = _hash(item["sha256"])
    except Invalid as error:
        error.facts["index"] = index
        raise within(f"{index}.sha256", error) from None
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise Invalid(
            "A size is a whole number of bytes.", code="size_invalid", field=f"{index}.size"
        )
    return ChunkSpec(sha256, size)


def _hash(value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise Invalid(
            "A hash is a SHA-256 as 64 lower-case hexadecimal digits.", code="hash_invalid"
        )
    return value
