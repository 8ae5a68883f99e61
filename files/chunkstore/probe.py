"""What an S3 endpoint really enforces. Documents don't tell: each server was found to differ.

The answer decides whether clients may send bytes straight to it. Where it compares a signed
checksum with the bytes, what is there is what was announced; elsewhere bytes go through us.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from files.chunkstore.backends.s3 import S3Backend
from files.chunkstore.bucket import IntegrityMode, PageMethod, Presigned
from files.chunkstore.errors import ChunkAbsent, ChunkStoreError, NodeError, NodeOffline
from rapidserve import env

SIZE: Final = 100_000
SECONDS: Final = 300
PATIENCE: Final = urllib3.Timeout(connect=5, read=30)


def classify(backend: S3Backend) -> IntegrityMode:
    """Try it out, with a few small objects that are removed again.

    NodeError, with the reason, for an endpoint that must not be used: it loses or changes bytes, or
    lets in whoever has no valid signature. NodeOffline when it can't be reached.
    """
    backend.check()
    _must_keep_bytes(backend)
    if not _takes_an_address(backend):
        return IntegrityMode.READBACK
    if not _refuses(backend, _forged):
        raise NodeError(f"{backend.name} takes addresses with a wrong signature.")
    enforced = all(
        _refuses(backend, spoil) for spoil in (_other_bytes, _no_checksum, _another_checksum)
    )
    return IntegrityMode.HEADER if enforced else IntegrityMode.READBACK


def admits(backend: S3Backend, origin: str, methods: Iterable[PageMethod]) -> bool:
    """Whether a browser may do that from a page of `origin`: what it asks beforehand, asked here.

    NodeError when there is no answer. https://fetch.spec.whatwg.org/#cors-preflight-fetch
    """
    key = secrets.token_hex(16)
    digest = hashlib.sha256(b"").hexdigest()
    addresses: dict[PageMethod, Presigned] = {
        "PUT": backend.presigned_put(key, size=1, sha256=digest, seconds=SECONDS),
        "GET": Presigned(backend.presigned_get(key, seconds=SECONDS), {}),
    }
    return all(_admits(addresses[method], origin, method) for method in methods)


def _admits(presigned: Presigned, origin: str, method: PageMethod) -> bool:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if presigned.headers:
        asked["Access-Control-Request-Headers"] = ",".join(sorted(presigned.headers))
    answer = _ask("OPTIONS", presigned.url, headers=asked)
    return (
        answer.status < 300  # noqa: PLR2004 - any success
        and answer.headers.get("Access-Control-Allow-Origin") in {origin, "*"}
        and _allows(answer.headers.get("Access-Control-Allow-Methods"), {method.lower()})
        and _allows(answer.headers.get("Access-Control-Allow-Headers"), set(presigned.headers))
    )


def _allows(header: str | None, wanted: set[str]) -> bool:
    named = {word.strip().lower() for word in (header or "").split(",")}
    return "*" in named or wanted <= named


def _ask(
    method: str, url: str, *, headers: dict[str, str], body: bytes | None = None
) -> urllib3.BaseHTTPResponse:
    """As a client would that has nothing but the address. NodeOffline when there is no answer."""
    bundle = env.text("AWS_CA_BUNDLE") or None
    try:
        with urllib3.PoolManager(ca_certs=bundle, retries=False, timeout=PATIENCE) as pool:
            return pool.request(method, url, body=body, headers=headers)
    except HTTPError as error:
        raise NodeOffline(f"{urlsplit(url).netloc} does not answer: {error}") from error


class _Try:
    """A PUT to a presigned address, which each of the functions below spoils in its own way."""

    def __init__(self, presigned: Presigned, body: bytes) -> None:
        self.url = presigned.url
        self.headers = dict(presigned.headers)
        self.body = body


Spoiler = Callable[[_Try], None]


def _forged(attempt: _Try) -> None:
    last = "0" if attempt.url[-1] != "0" else "1"
    attempt.url = attempt.url[:-1] + last


def _other_bytes(attempt: _Try) -> None:
    attempt.body = _flipped(attempt.body)


def _no_checksum(attempt: _Try) -> None:
    del attempt.headers["x-amz-checksum-sha256"]


def _another_checksum(attempt: _Try) -> None:
    """Other bytes, and a header that fits them: only the signature can tell."""
    attempt.body = _flipped(attempt.body)
    digest = hashlib.sha256(attempt.body).digest()
    attempt.headers["x-amz-checksum-sha256"] = base64.b64encode(digest).decode()


def _must_keep_bytes(backend: S3Backend) -> None:
    content = os.urandom(SIZE)
    with _scratch(backend) as key:
        writer = backend.writer(key, size=SIZE, sha256=hashlib.sha256(content).hexdigest())
        writer.write(content)
        writer.commit()
        try:
            kept = b"".join(backend.read(key)) == content and backend.stat(key).size == SIZE
            part = b"".join(backend.read(key, 10, 100)) == content[10:110]
            listed = any(stored.key == key for stored in backend.list())
        except (ChunkStoreError, ValueError) as error:
            raise NodeError(f"{backend.name} does not give back what it took: {error}") from error
        if not (kept and part and listed):
            raise NodeError(f"{backend.name} does not give back what it took.")


def _takes_an_address(backend: S3Backend) -> bool:
    with _scratch(backend) as key:
        return _put(_attempt(backend, key)) and _is_there(backend, key)


def _refuses(backend: S3Backend, spoil: Spoiler) -> bool:
    with _scratch(backend) as key:
        attempt = _attempt(backend, key)
        spoil(attempt)
        return not _put(attempt) and not _is_there(backend, key)


@contextmanager
def _scratch(backend: S3Backend) -> Iterator[str]:
    # In front of nearly all others in a list: that of a full bucket is not read to its end.
    key = "0" * 12 + secrets.token_hex(10)
    try:
        yield key
    finally:
        with suppress(NodeError):
            backend.delete(key)


def _attempt(backend: S3Backend, key: str) -> _Try:
    body = os.urandom(SIZE)
    digest = hashlib.sha256(body).hexdigest()
    return _Try(backend.presigned_put(key, size=SIZE, sha256=digest, seconds=SECONDS), body)


def _flipped(body: bytes) -> bytes:
    """As long, and different in one bit."""
    return body[:-1] + bytes([body[-1] ^ 1])


def _put(attempt: _Try) -> bool:
    """Whether the store said yes."""
    answer = _ask("PUT", attempt.url, headers=attempt.headers, body=attempt.body)
    return answer.status < 300  # noqa: PLR2004 - any success


def _is_there(backend: S3Backend, key: str) -> bool:
    try:
        backend.stat(key)
    except ChunkAbsent:
        return False
    return True
