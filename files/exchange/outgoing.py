"""Export: rows first, then the chunks they need, then a second look at the rows.

Neither database gives a view that stands still for as long as this takes, so nothing may change
meanwhile. That it has not is proven and not assumed: rows are read twice, and must be the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from files.exchange import contents, manifest
from files.exchange.kinds import Kind, kinds, label_of, left_out
from files.exchange.manifest import ExchangeError, Line, Manifest
from files.models import Chunk


@dataclass(frozen=True, slots=True)
class Exported:
    manifest: Manifest
    left_out: dict[str, int]


def export(directory: Path, *, with_contents: bool, say: Callable[[str], None]) -> Exported:
    """Everything into `directory`, which must be empty, or hold an export that was broken off.

    ExchangeError, NodeError, DatabaseError: there is no export then, since the manifest is written
    last. Doing it again copies only the chunks that are not there yet.
    """
    _prepare(directory, with_contents=with_contents)
    chosen = kinds(contents=with_contents)
    parts = {
        kind.label: manifest.write_rows(
            manifest.rows_file(directory, kind.label), kind.fields, kind.pages()
        )
        for kind in chosen
    }
    say(f"Wrote {sum(part.rows for part in parts.values())} rows.")
    chunks, size = _chunks(directory, with_contents=with_contents)
    if with_contents:
        say(f"Copied {chunks} chunks, {size} bytes.")
    _refuse_changed(chosen, parts)
    made = Manifest(timezone.now().isoformat(), with_contents, chunks, size, parts)
    manifest.save(directory, made)
    return Exported(made, left_out())


def _prepare(directory: Path, *, with_contents: bool) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (directory / manifest.NAME).exists():
        raise ExchangeError(f"{directory} holds an export already.")
    strangers = {entry.name for entry in directory.iterdir()} - {"rows", "chunks"}
    if strangers - {f"{manifest.NAME}.new"}:
        raise ExchangeError(f"{directory} is not empty.")
    (directory / "rows").mkdir(mode=0o700, exist_ok=True)
    if with_contents:
        contents.prepare(directory)


def _chunks(directory: Path, *, with_contents: bool) -> tuple[int, int]:
    """How many there are and their bytes; copied, if that is wanted."""
    count = size = 0
    shelf = contents.shelf(directory)
    for page in manifest.read_rows(manifest.rows_file(directory, label_of(Chunk))):
        count += len(page)
        size += sum(line["size"] for line in page)
        if with_contents:
            for chunk in _of(page):
                contents.take(chunk, shelf)
    return count, size


def _of(page: list[Line]) -> list[Chunk]:
    return [
        Chunk(id=line["id"], **{k: line[k] for k in ("key", "sha256", "size")}) for line in page
    ]


def _refuse_changed(chosen: list[Kind], parts: dict[str, manifest.Part]) -> None:
    for kind in chosen:
        if manifest.digest_of(kind.fields, kind.pages()) != parts[kind.label]:
            raise ExchangeError(
                "Something was changed meanwhile. Stop everything that serves this installation,"
                " and export again: chunks that were copied need not be copied twice."
            )
