"""HTTP range arithmetic (RFC 9110, section 14). Pure."""

import re
from dataclasses import dataclass

from rapidserve.errors import RangeUnsatisfiable

_BYTE_RANGE = re.compile(
    r"bytes\s*=\s*(\d{0,1000})\s*-\s*(\d{0,1000})\s*", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`length` bytes from `start`; `length` is at least 1."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The one range asked for, or None for the whole.

    Units other than bytes are ignored, as the RFC asks. RangeUnsatisfiable for a range that is
    malformed, backwards, beyond the end or empty, and for several ranges at once: assembling a
    thousand of them would let a small request cause a large one.
    """
    if header is None or not header.strip().lower().startswith("bytes"):
        return None
    match = _BYTE_RANGE.fullmatch(header.strip())
    first, last = match.groups() if match else ("", "")
    if first and last:
        start, end = int(first), min(int(last), size - 1)
    elif first:
        start, end = int(first), size - 1
    elif last:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = 0, -1
    if start > end:
        raise RangeUnsatisfiable(
            f"This range can't be served; the size is {size} bytes.", facts={"size": size}
        )
    return ByteRange(start, end - start + 1)
