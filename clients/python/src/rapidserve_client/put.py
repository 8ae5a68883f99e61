"""`rapidserve put`: files, folders and standard input into folders on the server.

One thread walks what is local, makes folders and lists them, each once. Files that differ from what
the server has go to other threads.
"""

import os
from collections.abc import Callable, Sequence
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
from rapidserve_client.sending import PACKED_BELOW, Job, Opener, Pack, Sender
from rapidserve_client.workers import Flight

AHEAD: Final = 10_000
"""Files found and not yet dealt with, at most: totals are told early, memory stays bounded."""
STANDARD_INPUT: Final = "-"


@dataclass
class Putting:
    """One run of the command."""

    tree: Tree
    sender: Sender

    def run(self, paths: Sequence[str], target: RemotePath) -> None:
        """Put all of `paths` at or into `target`."""
        destinations = self._destinations(paths, target)
        self._several = len(paths) > 1
        self._claimed: set[tuple[str, str]] = set()
        self._pack = Pack(self.sender, self.tree.top)
        with Flight(self.sender.workers.files, AHEAD) as flight:
            self._flight = flight
            for path, place in destinations:
                try:
                    self._put(path, place)
                except ClientError as error:
                    self._report.failed(path, error)
            self._begin_pack(self.tree.top)

    @property
    def _report(self) -> Report:
        return self.sender.report

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
            folder = self.tree.make_folders(place.parent)
            job = self._job(path, sources.standard_input, 0, place.parts[-1], folder, "")
            self._flight.add(job.send)
        elif sources.is_folder(path):
            folder = self.tree.make_folders(place)
            self._begin_pack(folder)
            self._put_folder(Path(path), folder)
        elif os.path.lexists(path):
            folder = self.tree.make_folders(place.parent)
            if self._pack.top.id != folder.id:
                self._begin_pack(folder)
            self._put_file(Path(path), folder, place.parts[-1], "")
        else:
            raise NotFound("There is no such file here.")

    def _put_folder(self, local: Path, folder: Entry, path: str = "") -> None:
        """All that is in a local folder. What fails is reported, the rest goes on."""
        try:
            listing = sources.listing(local)
        except ClientError as error:
            self._report.failed(str(local), error)
            return
        seen: set[str] = set()
        for other, why in listing.others:
            self._report.skipped(str(other), why)
        for file in listing.files:
            self._guarded(file, seen, lambda file: self._put_file(file, folder, file.name, path))
        for below in listing.folders:
            self._guarded(below, seen, lambda below: self._put_subfolder(below, folder, path))
        self.tree.forget(folder)

    def _put_subfolder(self, local: Path, parent: Entry, path: str) -> None:
        folder = self.tree.make_folder(parent, local.name)
        self._put_folder(local, folder, f"{path}/{folder.name}".lstrip("/"))

    def _guarded(self, path: Path, seen: set[str], put: Callable[[Path], None]) -> None:
        """Of two names that are one to the server, the second would hide the first: refused."""
        try:
            key = name_key(path.name)
            if key in seen:
                raise LocalTrouble("Another name here differs from it in case only.")
            seen.add(key)
            put(path)
        except ClientError as error:
            self._report.failed(str(path), error)

    def _put_file(self, file: Path, folder: Entry, name: str, path: str) -> None:
        try:
            size = file.stat().st_size
        except OSError as error:
            raise LocalTrouble.of(error) from error
        self._add(self._job(str(file), partial(sources.opened, file), size, name, folder, path))

    def _job(
        self, label: str, opener: Opener, size: int, name: str, folder: Entry, path: str
    ) -> Job:
        there = self.tree.child(folder, name)
        if there and there.is_folder:
            raise Refused(f"“{name}” is a folder on the server.")
        self._claim(folder, name)
        return Job(self.sender, label, opener, size, name, folder, path, there)

    def _claim(self, folder: Entry, name: str) -> None:
        """Of two files that would become one, from two folders put into one, the second would hide
        the first.
        """
        if self._several:
            place = (folder.id, name_key(name))
            if place in self._claimed:
                raise LocalTrouble("Another file of this command has gone to the same place.")
            self._claimed.add(place)

    def _add(self, job: Job) -> None:
        self._report.display.expect(job.size)
        if job.size >= PACKED_BELOW or not self.sender.takes_packs:
            self._flight.add(job.send)
            return
        if not self._pack.has_room(job):
            self._begin_pack(self._pack.top)
        self._pack.add(job)

    def _begin_pack(self, top: Entry) -> None:
        """Send the small files that have gathered; the next ones are for folders below `top`."""
        if self._pack.jobs:
            self._flight.add(self._pack.send)
        self._pack = Pack(self.sender, top)


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
