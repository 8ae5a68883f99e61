"""`rapidserve put`: files, folders and standard input into folders on the server.

One thread walks what is local, makes folders and lists them, each once. Files that differ from what
the server has go to other threads.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from rapidserve_client import sources
from rapidserve_client.answers import Entry
from rapidserve_client.errors import ClientError, LocalTrouble, NotFound, Refused, UsageError
from rapidserve_client.names import name_key
from rapidserve_client.remote import RemotePath, Tree
from rapidserve_client.report import Report
from rapidserve_client.sources import OpenFile
from rapidserve_client.uploads import Digests, Upload
from rapidserve_client.workers import Flight, Workers

AHEAD: Final = 10_000
"""Files found and not yet dealt with, at most: totals are told early, memory stays bounded."""
STANDARD_INPUT: Final = "-"

Opener = Callable[[], AbstractContextManager[OpenFile]]


@dataclass
class Putting:
    """One run of the command. `checksum`: believe contents only, not size and time."""

    tree: Tree
    workers: Workers
    report: Report
    checksum: bool

    def run(self, paths: Sequence[str], target: RemotePath) -> None:
        """Put all of `paths` at or into `target`."""
        destinations = self._destinations(paths, target)
        with Flight(self.workers.files, AHEAD) as flight:
            self._flight = flight
            for path, place in destinations:
                try:
                    self._put(path, place)
                except ClientError as error:
                    self.report.failed(path, error)

    def _destinations(
        self, paths: Sequence[str], target: RemotePath
    ) -> list[tuple[str, RemotePath]]:
        """Where each path goes, as cp has it: into a folder if that is one, else under that name.

        A folder always goes into `target`; written with a slash at its end, what is in it does.
        """
        if STANDARD_INPUT in paths and len(paths) > 1:
            raise UsageError("Standard input (-) is put alone.")
        placed = [(path, self._destination(path, target, alone=len(paths) == 1)) for path in paths]
        return _without_twins(placed)

    def _destination(self, path: str, target: RemotePath, *, alone: bool) -> RemotePath:
        if path == STANDARD_INPUT:
            if target.is_folder:
                raise UsageError("Say a name for standard input: put - FOLDER/NAME.")
            return target
        is_folder = sources.is_folder(path)
        if is_folder and path.endswith(("/", "/.")):
            return RemotePath(target.parts, is_folder=True)
        if is_folder or not alone or target.is_folder or self._is_folder(target):
            return target / _name_of(path)
        return target

    def _is_folder(self, target: RemotePath) -> bool:
        there = self.tree.find_or_none(target)
        return there is not None and there.is_folder

    def _put(self, path: str, place: RemotePath) -> None:
        if path == STANDARD_INPUT:
            self._add(place.parts[-1], path, self._parent(place), sources.standard_input, 0)
        elif sources.is_folder(path):
            self._put_folder(Path(path), self.tree.make_folders(place))
        elif os.path.lexists(path):
            self._put_file(Path(path), self._parent(place), place.parts[-1])
        else:
            raise NotFound("There is no such file here.")

    def _parent(self, place: RemotePath) -> Entry:
        return self.tree.make_folders(place.parent)

    def _put_folder(self, local: Path, folder: Entry) -> None:
        """All that is in a local folder. What fails is reported, the rest goes on."""
        try:
            listing = sources.listing(local)
        except ClientError as error:
            self.report.failed(str(local), error)
            return
        seen: set[str] = set()
        for path, why in listing.others:
            self.report.skipped(str(path), why)
        for path in listing.files:
            self._guarded(path, seen, lambda path: self._put_file(path, folder, path.name))
        for path in listing.folders:
            self._guarded(path, seen, lambda path: self._put_subfolder(path, folder))
        self.tree.forget(folder)

    def _put_subfolder(self, local: Path, parent: Entry) -> None:
        self._put_folder(local, self.tree.make_folder(parent, local.name))

    def _guarded(self, path: Path, seen: set[str], put: Callable[[Path], None]) -> None:
        """Of two names that are one to the server, the second would hide the first: refused."""
        try:
            key = name_key(path.name)
            if key in seen:
                raise LocalTrouble("Another name here differs from it in case only.")
            seen.add(key)
            put(path)
        except ClientError as error:
            self.report.failed(str(path), error)

    def _put_file(self, path: Path, folder: Entry, name: str) -> None:
        try:
            size = path.stat().st_size
        except OSError as error:
            raise LocalTrouble.of(error) from error
        self._add(name, str(path), folder, partial(sources.opened, path), size)

    def _add(self, name: str, label: str, folder: Entry, opener: Opener, size: int) -> None:
        there = self.tree.child(folder, name)
        if there and there.is_folder:
            raise Refused(f"“{name}” is a folder on the server.")
        self.report.display.expect(size)
        job = _Job(self, name, label, folder, there, opener)
        self._flight.add(job.run)


@dataclass(frozen=True, slots=True)
class _Job:
    """One file. `there`: what the server has under its name."""

    putting: Putting
    name: str
    label: str
    folder: Entry
    there: Entry | None
    opener: Opener

    def run(self) -> None:
        report = self.putting.report
        try:
            with self.opener() as file:
                self._put(file)
        except ClientError as error:
            report.failed(self.label, error)
        except OSError as error:
            report.failed(self.label, LocalTrouble.of(error))

    def _put(self, file: OpenFile) -> None:
        report, workers = self.putting.report, self.putting.workers
        item = report.display.begin(self.label, file.size)
        try:
            digests = Digests(file, workers)
            if self._is_there(file, digests):
                item.advance(file.size)
                report.was_there()
                return
            upload = Upload(
                self.putting.tree.server, workers, self.folder.id, self.name, file, digests, item
            )
            upload.run()
            report.succeeded(self.label, upload.sent)
        finally:
            item.end()

    def _is_there(self, file: OpenFile, digests: Digests) -> bool:
        """Size and time decide when both are equal, as with rsync; else the contents."""
        if self.there is None or self.there.size != file.size:
            return False
        is_dated = file.modified_at is not None and self.there.modified_at == file.modified_at
        if is_dated and not self.putting.checksum:
            return True
        return digests.content_hash() == self.there.content_hash


def _name_of(path: str) -> str:
    """The last part of a path that may be `.` or `..`."""
    name = Path(path).name
    return name if name not in {"", ".."} else Path(path).resolve().name


def _without_twins(placed: list[tuple[str, RemotePath]]) -> list[tuple[str, RemotePath]]:
    """The same; UsageError when two would become one file, the second hiding the first."""
    taken: dict[tuple[str, ...], str] = {}
    for path, place in placed:
        key = tuple(name_key(part) for part in place.parts)
        if key in taken and not (sources.is_folder(path) and sources.is_folder(taken[key])):
            raise UsageError(f"“{taken[key]}” and “{path}” would both become “{place}”.")
        taken[key] = path
    return placed
