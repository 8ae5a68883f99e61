"""What the server answers, as values. Read strictly: BadAnswer for anything the protocol lacks.

A server may be broken, or somebody else's; nothing below these values meets what it sent unread.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from rapidserve_client import blocks
from rapidserve_client.connection import Put
from rapidserve_client.errors import BadAnswer, Refused

T = TypeVar("T", str, int, dict[str, Any], list[Any])

_SHA256 = re.compile(r"[0-9a-f]{64}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a folder. `modified_at`: microseconds since 1970, None where it can't be read."""

    id: str
    name: str
    is_folder: bool
    size: int
    content_hash: str
    version: str
    modified_at: int | None


@dataclass(frozen=True, slots=True)
class Space:
    id: str
    name: str
    kind: str
    root: str
    role: str


@dataclass(frozen=True, slots=True)
class Named:
    """A person or a group, to share with."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that somebody has. `source`: the folder above that it comes from, if that is told."""

    kind: str
    id: str
    name: str
    role: str
    expires_at: str | None
    inherited: bool
    source: str | None


@dataclass(frozen=True, slots=True)
class Link:
    id: str
    role: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Slot:
    """A chunk of an upload. `put` is None when the server has it already."""

    index: int
    size: int
    put: Put | None


@dataclass(frozen=True, slots=True)
class UploadPage:
    upload_id: str
    slots: list[Slot]


@dataclass(frozen=True, slots=True)
class RemoteChunk:
    """A chunk to be fetched; `sha256` is raw."""

    index: int
    sha256: bytes
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class ManifestPage:
    """Some chunks of one version; `next` is the index of the first chunk of the next page."""

    version: str
    size: int
    content_hash: str
    chunks: list[RemoteChunk]
    next: int | None


@dataclass(frozen=True, slots=True)
class Login:
    token: str
    token_id: str
    username: str


def entry(answer: Any) -> Entry:
    kind = _get(answer, "type", str)
    if kind not in {"file", "folder"}:
        raise BadAnswer("The server answered an entry that is neither a file nor a folder.")
    is_file = kind == "file"
    return Entry(
        id=_get(answer, "id", str),
        name=_get(answer, "name", str),
        is_folder=not is_file,
        size=_size(answer, "size") if is_file else 0,
        content_hash=_sha256(answer, "content_hash") if is_file else "",
        version=_get(answer, "version", str) if is_file else "",
        modified_at=_microseconds(_get(answer, "modified_at", str)),
    )


def space(answer: Any) -> Space:
    return Space(*(_get(answer, field, str) for field in ("id", "name", "kind", "root", "role")))


def person(answer: Any) -> Named:
    return Named(_get(answer, "id", str), _get(answer, "username", str))


def group(answer: Any) -> Named:
    return Named(_get(answer, "id", str), _get(answer, "name", str))


def grant(answer: Any) -> Grant:
    subject = _get(answer, "subject", dict)
    above = _optional(answer, "inherited_from", dict)
    return Grant(
        kind=_get(subject, "type", str),
        id=_get(subject, "id", str),
        name=_get(subject, "name", str),
        role=_get(answer, "role", str),
        expires_at=_optional(answer, "expires_at", str),
        inherited=above is not None,
        source=_optional(above, "name", str) if above else None,
    )


def link(answer: Any) -> Link:
    return Link(_get(answer, "id", str), _get(answer, "role", str), _optional(answer, "url", str))


def page(answer: Any) -> tuple[list[Any], str | None]:
    """The results of a list, and its cursor."""
    return _get(answer, "results", list), _optional(answer, "next", str)


def pack_result(answer: Any, index: int, content_hash: str) -> Entry | Refused:
    """What became of file `index` of a pack, which has this content hash."""
    _expect(_get(answer, "index", int) == index)
    if isinstance(answer.get("error"), dict):
        error = answer["error"]
        return Refused(_get(error, "message", str), code=_get(error, "code", str))
    made = entry(answer.get("file"))
    _expect(made.content_hash == content_hash)
    return made


def upload_page(answer: Any, size: int) -> UploadPage:
    """Of a file of `size` bytes."""
    slots = [_slot(chunk, size) for chunk in _get(answer, "chunks", list)]
    return UploadPage(_get(answer, "upload_id", str), slots)


def manifest_page(answer: Any, start: int) -> ManifestPage:
    """The page from chunk `start` on, checked to be just those chunks, gapless and of full size."""
    if _get(answer, "chunk_size", int) != blocks.CHUNK_SIZE:
        raise BadAnswer("The server cuts files otherwise than this protocol does.")
    size = _size(answer, "size")
    chunks = [_remote_chunk(chunk) for chunk in _get(answer, "chunks", list)]
    for index, chunk in enumerate(chunks, start):
        _expect(chunk.index == index < blocks.count(size))
        _expect(chunk.size == blocks.length(size, index))
    end = start + len(chunks)
    following = _optional(answer, "next", int)
    _expect(following == (end if end < blocks.count(size) else None))
    _expect(following is None or following > start)
    return ManifestPage(
        version=_get(answer, "version_id", str),
        size=size,
        content_hash=_sha256(answer, "content_hash"),
        chunks=chunks,
        next=following,
    )


def login(answer: Any) -> Login:
    user = _get(answer, "user", dict)
    return Login(_get(answer, "token", str), _get(answer, "id", str), _get(user, "username", str))


def timestamp(microseconds: int) -> str | None:
    """A time as the protocol writes it; None for one that it can't write."""
    try:
        return (_EPOCH + microseconds * _MICROSECOND).isoformat()
    except OverflowError:
        return None


def _microseconds(text: str) -> int | None:
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
    except (ValueError, TypeError, OverflowError):  # TypeError: without a zone
        return None


def _slot(answer: Any, size: int) -> Slot:
    index = _get(answer, "index", int)
    _expect(0 <= index < blocks.count(size))
    _expect(_get(answer, "size", int) == blocks.length(size, index))
    state = _get(answer, "state", str)
    _expect(state in {"have", "upload"})
    return Slot(index, blocks.length(size, index), _put(answer) if state == "upload" else None)


def _put(answer: Any) -> Put:
    method = _get(answer, "method", str)
    headers = _get(answer, "headers", dict)
    _expect(method in {"PUT", "POST"})
    _expect(all(isinstance(value, str) for value in headers.values()))
    return Put(method, _get(answer, "url", str), headers)


def _remote_chunk(answer: Any) -> RemoteChunk:
    return RemoteChunk(
        _get(answer, "index", int),
        bytes.fromhex(_sha256(answer, "sha256")),
        _get(answer, "size", int),
        _get(answer, "url", str),
    )


def _sha256(answer: Any, field: str) -> str:
    text = _get(answer, field, str)
    _expect(_SHA256.fullmatch(text) is not None)
    return text


def _size(answer: Any, field: str) -> int:
    size = _get(answer, field, int)
    _expect(0 <= size < 2**63)
    return size


def _get(answer: Any, field: str, kind: type[T]) -> T:
    value = answer.get(field) if isinstance(answer, Mapping) else None
    if type(value) is not kind:  # not isinstance: True is no index
        raise BadAnswer(f"The server's answer has no proper “{field}”. Is it RapidServe?")
    return value


def _optional(answer: Any, field: str, kind: type[T]) -> T | None:
    if isinstance(answer, Mapping) and answer.get(field) is None:
        return None
    return _get(answer, field, kind)


def _expect(fact: bool) -> None:  # noqa: FBT001 - reads as an assertion
    if not fact:
        raise BadAnswer("The server's answer contradicts itself. Is it RapidServe?")
