"""Import: an export into an installation that is empty, and nobody's before all of it is proven.

In this order: the export is found whole; the import is noted, so that nobody serves what is half
there; chunks, each with its row; all other rows; all of it is read back and compared. Whatever
breaks it off, doing it again goes on where it was.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from django.db import IntegrityError
from django.utils import timezone

from files.chunkstore import registry
from files.chunkstore.backend import Backend
from files.content.topology import available_nodes
from files.content.verify import verify
from files.exchange import contents, manifest
from files.exchange.kinds import Kind, Rows, kinds, label_of
from files.exchange.manifest import ExchangeError, Line, Manifest
from files.models import Chunk, Import, Node, Replica
from rapidserve.crashpoints import crash_point
from rapidserve.db import run_atomic, unchecked_references

Say = Callable[[str], None]
FINDINGS_TOLD = 20


def check(directory: Path) -> Manifest:
    """What an export holds. ExchangeError unless all of it is there; the database is not asked.

    What is in the chunks is proven when they are copied.
    """
    found = manifest.load(directory)
    chosen = {kind.label: kind.fields for kind in kinds(contents=found.contents)}
    if chosen != {label: part.fields for label, part in found.parts.items()}:
        raise ExchangeError(
            "The export was made by another version of RapidServe. Export and import with the same"
            " version, and upgrade before or after."
        )
    for label, part in found.parts.items():
        manifest.check_rows(manifest.rows_file(directory, label), part)
    return found


def import_(directory: Path, found: Manifest, say: Say) -> None:
    """Take over an export that `check` has found whole.

    ExchangeError, NodeError, DatabaseError: the installation stays unfinished, and is not served.
    """
    chosen = kinds(contents=found.contents)
    if found.contents:
        contents.check_present(_chunks(directory), contents.shelf(directory))
    else:
        _refuse_absent_nodes(directory)
    _begin(found, chosen)
    try:
        with unchecked_references():
            for kind in chosen:
                _load(kind, directory, found)
                say(f"Imported {kind.label}: {found.parts[kind.label].rows} rows.")

    except IntegrityError as error:
        raise ExchangeError(f"The export's rows don't fit together: {error}") from error
    say("Reading everything back.")
    _compare(chosen, found)
    _prove()
    crash_point("import.proven")
    Import.objects.filter(id=Import.ONLY).update(finished_at=timezone.now())


def is_unfinished() -> bool:
    return Import.objects.filter(id=Import.ONLY, finished_at=None).exists()


def _begin(found: Manifest, chosen: list[Kind]) -> None:
    """Note the import, or find it noted: then this goes on with it."""

    def note() -> None:
        begun = Import.objects.filter(id=Import.ONLY).first()
        if begun is None:
            _refuse_filled(chosen)
            Import.objects.create(id=Import.ONLY, digest=found.digest, started_at=timezone.now())
        elif begun.finished_at is not None:
            raise ExchangeError("An export was imported here before. Nothing was changed.")
        elif begun.digest != found.digest:
            raise ExchangeError(
                "Another export was begun to be imported here. Go on with that one,"
                " or begin with an empty database."
            )

    run_atomic(note)


def _refuse_filled(chosen: list[Kind]) -> None:
    for kind in chosen:
        if any(kind.pages()):
            raise ExchangeError(
                f"This installation is not empty: there is {kind.label}. An export is imported into"
                " a new one only, before the first `serve`. Nothing was changed."
            )


def _refuse_absent_nodes(directory: Path) -> None:
    """Without contents the chunks stay where they are: on nodes of these names."""
    for page in manifest.read_rows(manifest.rows_file(directory, label_of(Node))):
        for line in page:
            if line["name"] not in registry.nodes():
                raise ExchangeError(
                    f"RAPIDSERVE_NODES lacks the node {line['name']}, and the export has no chunks"
                    " in it: give it the nodes that the exported installation has."
                )
            registry.node(line["name"]).check()


def _load(kind: Kind, directory: Path, found: Manifest) -> None:
    pages = manifest.read_rows(manifest.rows_file(directory, kind.label))
    load = kind.load
    if found.contents and isinstance(kind, Rows) and kind.model is Chunk:
        load = partial(_load_chunks, kind, contents.shelf(directory))
    for page in pages:
        load(page)
        crash_point("import.page")


def _load_chunks(kind: Rows, source: Backend, page: list[Line]) -> None:
    """Bytes first: a row says that they are there. Those of an import that was broken off between
    the two belong to nothing, unless it is done again, and are swept away later."""
    candidates = available_nodes()
    chunks = kind.missing(kind.rows(page))
    copies = [
        contents.put(chunk, source, candidates) for chunk in chunks if isinstance(chunk, Chunk)
    ]
    crash_point("import.stored")

    def insert() -> None:
        kind.insert(kind.missing(list(chunks)))
        Replica.objects.bulk_create(copies)

    run_atomic(insert)


def _chunks(directory: Path) -> Iterator[Chunk]:
    for page in manifest.read_rows(manifest.rows_file(directory, label_of(Chunk))):
        yield from (Chunk(key=line["key"], size=line["size"]) for line in page)


def _compare(chosen: list[Kind], found: Manifest) -> None:
    """Every row, by count and by content, as it is in the database now."""
    for kind in chosen:
        here, expected = manifest.digest_of(kind.fields, kind.pages()), found.parts[kind.label]
        if here != expected:
            raise ExchangeError(
                f"{kind.label} came out differently: {here.rows} rows of {expected.rows}, or other"
                " content. Is something else using this database?"
            )


def _prove() -> None:
    """Every file from its chunks: reads and hashes all of them where they are now."""
    damage = [finding.text for finding in verify(deep=True) if finding.is_damage]
    if damage:
        told = "\n".join(damage[:FINDINGS_TOLD])
        raise ExchangeError(f"{len(damage)} things are damaged:\n{told}")
