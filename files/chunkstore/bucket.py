"""Where an S3 node's objects are, as the settings say it. Pure."""

from dataclasses import dataclass


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
