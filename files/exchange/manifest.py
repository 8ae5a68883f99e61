"""What an export says of itself, in the file that is written last: no manifest, no export. Pure.

Every file of rows is in it with its SHA-256, so that a file that was cut short, changed or left
behind when the export was carried elsewhere is found before anything is imported.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1
NAME: Final = "rapidserve-export.json"
PAGE: Final = 1000

Line = dict[str, Any]


class ExchangeError(Exception):
    """An export or import that can't be done. The text is for the operator."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of rows: `fields` are the keys of each line, in order."""

    fields: list[str]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`contents`: whether the chunks' bytes lie in the export. `chunk_bytes`: their plain size.
    `digest` identifies the export: the SHA-256 of the manifest's own file.
    """

    made_at: str
    contents: bool
    chunks: int
    chunk_bytes: int
    parts: dict[str, Part]
    digest: str = ""


class LineDigest:
    """Counts and hashes lines as they pass, in the form in which they lie in a file."""

    def __init__(self, fields: list[str]) -> None:
        self._fields = fields
        self._rows = 0
        self._sha256 = hashlib.sha256()

    def take(self, line: Line) -> bytes:
        raw = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self.count(raw)
        return raw

    def count(self, raw: bytes) -> None:
        self._rows += 1
        self._sha256.update(raw)

    def part(self) -> Part:
        return Part(self._fields, self._rows, self._sha256.hexdigest())


def rows_file(directory: Path, label: str) -> Path:
    return directory / "rows" / f"{label}.jsonl"


def digest_of(fields: list[str], pages: Iterable[list[Line]]) -> Part:
    """What `write_rows` would say, without a file."""
    digest = LineDigest(fields)
    for page in pages:
        for line in page:
            digest.take(line)
    return digest.part()


def write_rows(file: Path, fields: list[str], pages: Iterable[list[Line]]) -> Part:
    """One line of JSON for each row. Durable on return."""
    digest = LineDigest(fields)
    with open(file, "wb", opener=_private) as handle:
        handle.writelines(b"".join(map(digest.take, page)) for page in pages)
        handle.flush()
        os.fsync(handle.fileno())
    return digest.part()


def read_rows(file: Path) -> Iterator[list[Line]]:
    """The lines of a file that `check_rows` found whole, PAGE at a time."""
    page: list[Line] = []
    with file.open("rb") as handle:
        for raw in handle:
            page.append(json.loads(raw))
            if len(page) == PAGE:
                yield page
                page = []
    if page:
        yield page


def check_rows(file: Path, expected: Part) -> None:
    """ExchangeError unless the file is exactly what was written."""
    digest = LineDigest(expected.fields)
    try:
        with file.open("rb") as handle:
            for raw in handle:
                digest.count(raw)
    except OSError as error:
        raise ExchangeError(f"{file} can't be read: {error.strerror}.") from error
    if digest.part() != expected:
        raise ExchangeError(f"{file} is not as it was written. Make or copy the export again.")


def save(directory: Path, manifest: Manifest) -> None:
    """Whole or not at all: a name that is there stands for a whole export."""
    content = {"format": FORMAT} | dataclasses.asdict(manifest)
    del content["digest"]
    temporary = directory / f"{NAME}.new"
    with open(temporary, "w", encoding="utf-8", opener=_private) as handle:
        json.dump(content, handle, indent=1)
        handle.write("\n")
        handle.flush()
        os.fsync(handle.fileno())
    _sync(directory / "rows")
    temporary.rename(directory / NAME)
    _sync(directory)


def load(directory: Path) -> Manifest:
    """ExchangeError when there is no whole export of a format that we know."""
    try:
        raw = (directory / NAME).read_bytes()
    except FileNotFoundError:
        raise ExchangeError(f"{directory} holds no export, or one that was not finished.") from None
    except OSError as error:
        raise ExchangeError(f"{directory / NAME} can't be read: {error.strerror}.") from error
    try:
        return _parse(raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ExchangeError(f"{directory / NAME} is damaged.") from None


def _parse(raw: bytes) -> Manifest:
    content = json.loads(raw)
    found = content.pop("format")
    if found != FORMAT:
        raise ExchangeError(f"The export has format {found!r}, and this version reads {FORMAT}.")
    parts = {label: Part(**part) for label, part in content.pop("parts").items()}
    return Manifest(parts=parts, digest=hashlib.sha256(raw).hexdigest(), **content)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
