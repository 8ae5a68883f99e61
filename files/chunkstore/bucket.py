"""Where an S3 node's objects are, what its endpoint enforces, addresses into it. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bucket:
    """What the settings say about where a node's objects are.

    `prefix` is empty or ends with "/". `endpoint`, `region` and `profile` None: boto3's own way of
    finding them (environment, ~/.aws). `sse`: a value of `x-amz-server-side-encryption`, or None.
    """

    name: str
    prefix: str
    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    sse: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Presigned:
    """`headers` must be sent as they are; the length, which is signed too, every client sends."""

    url: str
    headers: dict[str, str]


PageMethod = Literal["GET", "PUT"]
"""What pages do with signed addresses, if they are let: fetch chunks, and send them."""


class IntegrityMode(StrEnum):
    """How bytes that a client sends straight to the store would be proven."""

    HEADER = "header"
    """The store compares a signed checksum header with them: what is there is proven."""
    READBACK = "readback"
    """It does not. Nobody gets an address of it: bytes go through this server, which hashes them,
    and reads them back before it believes that they are there."""
