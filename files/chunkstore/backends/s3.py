"""Chunks in an S3 bucket: one object each, under PREFIX/<key>, and a marker that names the node.

django-storages' S3Storage holds a node's configuration and makes its connections; boto3 does what a
file storage has no words for: checksums, conditions, ranges, presigned addresses.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    SSLError,
)
from django.core.exceptions import ImproperlyConfigured
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError

from files.chunkstore.backend import (
    BLOCK_SIZE,
    OBJECT_KEY,
    OBJECT_SIZE,
    Stored,
    object_key,
    range_end,
)
from files.chunkstore.bucket import Bucket, PageMethod, Presigned
from files.chunkstore.errors import ChunkAbsent, NodeError, NodeFull, NodeOffline
from files.chunkstore.proof import Proof

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CORSRuleOutputTypeDef, CORSRuleTypeDef

MARKER: Final = "rapidserve-node.json"
LAYOUT: Final = 1
CHECK_SECONDS: Final = 1.0
"""How long a check that passed is believed: each register makes one."""
REST_SECONDS: Final = 5.0
"""How long one that failed is: a store that does not answer would hold every register up for 15."""

_ABSENT: Final = {"NoSuchKey", "404"}
_TAKEN: Final = {"PreconditionFailed", "412"}
_BEYOND: Final = {"InvalidRange", "416"}
_FULL: Final = {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "507"}
_OFFLINE: Final = {
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "NoSuchBucket",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "SlowDown",
    "403",
    "503",
}


class S3Backend:
    """Objects are proven here before they are sent, and again by the store as they arrive: the
    payload's SHA-256 is in the signature, and in a checksum header."""

    def __init__(self, name: str, bucket: Bucket) -> None:
        self.name = name
        self.bucket = bucket
        self._lock = threading.Lock()
        self._failure: NodeError | None = None
        self._believed_until = float("-inf")

    @cached_property
    def client(self) -> "S3Client":
        """One for all threads, as boto3 allows: making one takes 0.1 s and megabytes."""
        try:
            storage: Any = S3Storage(  # type: ignore[no-untyped-call] # has no types
                bucket_name=self.bucket.name,
                location=self.bucket.prefix,
                endpoint_url=self.bucket.endpoint,
                region_name=self.bucket.region,
                session_profile=self.bucket.profile,
                client_config=_client_config(path_style=self.bucket.endpoint is not None),
            )
        except ImproperlyConfigured as error:
            raise NodeError(
                f"{self.name}: profile= and AWS_ACCESS_KEY_ID both name credentials; keep one."
            ) from error
        with self._lock:
            client: S3Client = storage.connection.meta.client
        return client

    def writer(self, key: str, *, size: int, sha256: str | None) -> "_S3Writer":
        proof = Proof(object_key(key), size=size, sha256=sha256, most=OBJECT_SIZE)
        return _S3Writer(self, key, proof)

    def read(
        self, key: str, start: int = 0, length: int | None = None
    ) -> Generator[bytes, None, None]:
        if start < 0 or (length is not None and length < 1):
            range_end(self.stat(key).size, start, length)  # refuses what is no range
            return
        end = "" if length is None else str(start + length - 1)
        with self._errors(key):
            try:
                answer = self.client.get_object(**self._object(key), Range=f"bytes={start}-{end}")
            except ClientError as error:
                if _code(error) not in _BEYOND:
                    raise
                range_end(self.stat(key).size, start, length)
                return  # the empty rest of an object
        with closing(answer["Body"]) as body, self._errors(key):
            yield from _blocks(body, answer, start, length)

    def stat(self, key: str) -> Stored:
        with self._errors(key):
            found = self.client.head_object(**self._object(key))
        return Stored(key, found["ContentLength"], found["LastModified"])

    def delete(self, key: str) -> None:
        with self._errors(key):
            self.client.delete_object(**self._object(key))

    def list(self) -> Iterator[Stored]:
        prefix = self.bucket.prefix
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket.name, Prefix=prefix
        )
        with self._errors("the list"):
            for page in pages:
                for found in page.get("Contents", []):
                    key = found["Key"].removeprefix(prefix)
                    if OBJECT_KEY.fullmatch(key):
                        # HEAD tells whole seconds; a list, of some stores, more.
                        modified_at = found["LastModified"].replace(microsecond=0)
                        yield Stored(key, found["Size"], modified_at)

    def sweep(self, older_than: datetime) -> int:  # noqa: ARG002 - a put is whole or was not
        return 0

    def path(self, key: str) -> Path | None:
        object_key(key)
        return None

    def authenticates(self, key: str) -> bool:
        object_key(key)
        return False

    def check(self) -> None:
        if self._is_believed():
            if self._failure is not None:
                raise type(self._failure)(str(self._failure))
            return
        try:
            self._read_marker()
        except NodeError as error:
            self._believe(error, REST_SECONDS)
            raise
        self._believe(None, CHECK_SECONDS)

    def put(self, key: str, content: bytes) -> None:
        """Store an object unless the key is taken. Only this backend's writer calls it."""
        with self._errors(key):
            try:
                self.client.put_object(
                    **self._object(key),
                    Body=content,
                    ContentLength=len(content),
                    ChecksumSHA256=base64.b64encode(hashlib.sha256(content).digest()).decode(),
                    IfNoneMatch="*",
                    **self._encryption(),
                )
            except ClientError as error:
                if _code(error) not in _TAKEN:
                    raise

    def presigned_put(self, key: str, *, size: int, sha256: str, seconds: int) -> Presigned:
        """An address for exactly these bytes under this key, once, and the headers to send along.

        Length, checksum and condition are in the signature: a store that checks it, and compares
        the checksum with the bytes, takes nothing else (files.chunkstore.probe asks which do).
        """
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        with self._errors(key):
            url = self.client.generate_presigned_url(
                "put_object",
                Params={
                    **self._object(key),
                    "ContentLength": size,
                    "ChecksumSHA256": checksum,
                    "IfNoneMatch": "*",
                    **self._encryption(),
                },
                ExpiresIn=seconds,
            )
        headers = {"x-amz-checksum-sha256": checksum, "if-none-match": "*"}
        if self.bucket.sse:
            headers["x-amz-server-side-encryption"] = self.bucket.sse
        signed = parse_qs(urlsplit(url).query).get("X-Amz-SignedHeaders", [""])[0].split(";")
        if not {"content-length", *headers} <= set(signed):
            # In the query, where another signer would put them, every store ignores them.
            raise NodeError(f"{self.name}: the address does not sign {sorted(headers)}.")
        return Presigned(url, headers)

    def presigned_get(self, key: str, *, seconds: int) -> str:
        """An address that gives the object, as a download without a type, to whoever has it."""
        with self._errors(key):
            return self.client.generate_presigned_url(
                "get_object",
                Params={
                    **self._object(key),
                    "ResponseContentType": "application/octet-stream",
                    "ResponseContentDisposition": "attachment",
                    "ResponseCacheControl": "private, no-store",
                },
                ExpiresIn=seconds,
            )

    def origin(self) -> str:
        """Of the addresses that are signed here: scheme, host and port, as browsers compare it."""
        try:
            parts = urlsplit(
                self.client.generate_presigned_url("head_bucket", {"Bucket": self.bucket.name})
            )
        except BotoCoreError as error:
            raise _translated(error, str(self.bucket)) from error
        return f"{parts.scheme}://{parts.netloc}"

    def admit(self, origins: Sequence[str], methods: Sequence["PageMethod"]) -> None:
        """Let pages of these origins use signed addresses (CORS). Rules that are there stay.

        NodeError when the store knows no such rules, or these credentials may not set them.
        """
        with self._errors("CORS"):
            rules = self._cors_rules()
            admitted = {
                origin
                for rule in rules
                if set(methods) <= set(rule["AllowedMethods"])
                for origin in rule["AllowedOrigins"]
            }
            missing = [origin for origin in origins if not {origin, "*"} & admitted]
            if not missing:
                return
            rule: CORSRuleTypeDef = {
                "AllowedOrigins": missing,
                "AllowedMethods": list(methods),
                "AllowedHeaders": ["*"],
                "MaxAgeSeconds": 3600,
            }
            self.client.put_bucket_cors(
                Bucket=self.bucket.name, CORSConfiguration={"CORSRules": [*rules, rule]}
            )

    def _cors_rules(self) -> "Sequence[CORSRuleOutputTypeDef]":
        try:
            return self.client.get_bucket_cors(Bucket=self.bucket.name).get("CORSRules", [])
        except ClientError as error:
            if _code(error) == "NoSuchCORSConfiguration":
                return []
            raise

    def _object(self, key: str) -> Any:
        return {"Bucket": self.bucket.name, "Key": f"{self.bucket.prefix}{object_key(key)}"}

    def _encryption(self) -> Any:
        return {"ServerSideEncryption": self.bucket.sse} if self.bucket.sse else {}

    def _is_believed(self) -> bool:
        """Whether the last check still holds. Of those who find a failure outdated one asks again,
        on behalf of all."""
        with self._lock:
            now = time.monotonic()
            if now < self._believed_until:
                return True
            if self._failure is not None:
                self._believed_until = now + REST_SECONDS
            return False

    def _believe(self, failure: NodeError | None, seconds: float) -> None:
        with self._lock:
            self._failure = failure
            self._believed_until = time.monotonic() + seconds

    def _read_marker(self) -> None:
        """NodeOffline unless the bucket's marker names this node: another bucket, or one that was
        emptied, must not be taken for a node that has lost its chunks."""
        where = f"{self.bucket}{MARKER}"
        try:
            answer = self.client.get_object(
                Bucket=self.bucket.name, Key=f"{self.bucket.prefix}{MARKER}"
            )
            with closing(answer["Body"]) as body:
                marker = json.loads(body.read(4096))
        except ClientError as error:
            if _code(error) in _ABSENT:
                raise NodeOffline(f"There is no {where}.") from error
            raise _translated(error, where) from error
        except (BotoCoreError, HTTPError, ValueError, RecursionError) as error:
            raise _translated(error, where) from error
        found = marker if isinstance(marker, dict) else {}
        if found.get("node") != self.name or found.get("layout") != LAYOUT:
            raise NodeOffline(f"{where} is the node {str(found.get('node'))[:40]!r} of another.")

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        """Its errors as ours. HEAD says 404 of a bucket that is gone, too: ask which it is."""
        what = f"{self.name}: {key}"
        try:
            yield
        except ClientError as error:
            if _code(error) not in _ABSENT:
                raise _translated(error, what) from error
            self._read_marker()
            raise ChunkAbsent(f"{key} is not on {self.name}.") from error
        except (BotoCoreError, HTTPError) as error:
            raise _translated(error, what) from error


def setup(bucket: Bucket, name: str) -> None:
    """Mark a bucket as the node `name`. The bucket must be there; one that is marked already stays
    as it is. NodeError when it is another node's, or something else lies under the prefix."""
    backend = S3Backend(name, bucket)
    try:
        backend._read_marker()  # noqa: SLF001 - the other half of this module
    except NodeOffline:
        _refuse_strangers(backend)
    else:
        return
    content = json.dumps({"node": name, "layout": LAYOUT}).encode()
    with backend._errors(MARKER):  # noqa: SLF001 - likewise
        backend.client.put_object(
            Bucket=bucket.name, Key=f"{bucket.prefix}{MARKER}", Body=content, IfNoneMatch="*"
        )
    backend._read_marker()  # noqa: SLF001 - likewise


def _refuse_strangers(backend: S3Backend) -> None:
    bucket = backend.bucket
    try:
        found = backend.client.list_objects_v2(
            Bucket=bucket.name, Prefix=bucket.prefix, MaxKeys=1
        ).get("Contents", [])
    except (BotoCoreError, ClientError, HTTPError) as error:
        raise _translated(error, str(bucket)) from error
    if found:
        raise NodeError(
            f"{bucket} holds {found[0]['Key'][:80]!r} and is not the node {backend.name}."
        )


class _S3Writer:
    """Collects a chunk in memory: the store wants its length and checksum before its bytes."""

    def __init__(self, backend: S3Backend, key: str, proof: Proof) -> None:
        self._backend = backend
        self._key = key
        self._proof = proof
        self._content: bytearray | None = bytearray()

    def write(self, block: bytes) -> None:
        content = self._open()
        try:
            self._proof.take(block)
        except BaseException:
            self.abort()
            raise
        content += block

    def commit(self) -> None:
        content = self._open()
        self._content = None
        self._proof.verify()
        self._backend.put(self._key, bytes(content))

    def abort(self) -> None:
        self._content = None

    def _open(self) -> bytearray:
        if self._content is None:
            raise ValueError("This writer is closed.")
        return self._content


def _client_config(*, path_style: bool) -> Config:
    return Config(
        # A plain client with an endpoint of its own presigns with version 2, which signs no header.
        signature_version="s3v4",
        s3={
            "addressing_style": "path" if path_style else "virtual",
            # Over TLS boto3 would leave the payload out of the signature.
            "payload_signing_enabled": True,
        },
        # Unless told, boto3 sends a trailer over TLS, which stores other than AWS do not take.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "max_attempts": 3},
        max_pool_connections=64,
    )


def _blocks(body: Any, answer: Any, start: int, length: int | None) -> Iterator[bytes]:
    """The bytes of an answer from `start`. A store that knows no ranges sends the whole object."""
    skip, total = 0, answer["ContentLength"] + start
    if "ContentRange" in answer:
        total = int(answer["ContentRange"].rpartition("/")[2])
    else:
        skip, total = start, answer["ContentLength"]
    left = range_end(total, start, length) - start
    while left:
        block = body.read(min(BLOCK_SIZE, skip or left))
        if not block:
            raise NodeError(f"An answer ended {left} bytes early.")
        if skip:
            skip -= len(block)
        else:
            left -= len(block)
            yield block


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _translated(error: Exception, what: str) -> NodeError:
    text = f"{what}: {error}"
    if isinstance(error, ClientError):
        code = _code(error)
        kind: Callable[[str], NodeError] = NodeError
        if code in _FULL:
            kind = NodeFull
        elif code in _OFFLINE:
            kind = NodeOffline
        return kind(text)
    unreachable = (
        EndpointConnectionError,
        ConnectTimeoutError,
        HTTPClientError,
        NoCredentialsError,
        SSLError,
    )
    return NodeOffline(text) if isinstance(error, unreachable) else NodeError(text)
