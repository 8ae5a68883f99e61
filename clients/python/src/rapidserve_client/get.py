"""`rapidserve get`: files and folders from the server into a folder here.

One thread lists what is remote; files that differ from what is here go to other threads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from rapidserve_client import blocks
from rapidserve_client.answers import Entry
from rapidserve_client.downloads import Download
from rapidserve_client.errors import ClientError, LocalTrouble, Unsafe
from rapidserve_client.names import check_safe, name_key
from rapidserve_client.remote import RemotePath, Tree
from rapidserve_client.report import Report
from rapidserve_client.targets import Folder, Present, Target
from rapidserve_client.workers import Flight, Workers

AHEAD: Final = 10_000
"""Files found and not yet dealt with, at most: totals are told early, memory stays bounded."""
MAX_DEPTH: Final = 100
"""Folders inside each other: as many as the protocol allows."""


@dataclass
class Getting:
    """One run of the command. `checksum`: believe contents only, not size and time. `force`:
    replace files here that differ.
    """

    tree: Tree
    workers: Workers
    report: Report
    checksum: bool
    force: bool
    _written: set[tuple[str, ...]] = field(default_factory=set)
    _folders: set[str] = field(default_factory=set)

    def run(self, paths: Sequence[str], local: str) -> None:
        """Get all of `paths` into the folder `local`, or a single file under that name."""
        remotes = [RemotePath.parse(path) for path in paths]
        if len(remotes) == 1 and not local.endswith("/") and not Path(local).is_dir():
            entry = self.tree.find(remotes[0])
            if not entry.is_folder:
                self._get_as(entry, remotes[0], Path(local))
                return
        target = Target(Path(local))
        try:
            with Flight(self.workers.files, AHEAD) as flight:
                self._target, self._flight = target, flight
                for remote in remotes:
                    self._guarded(str(remote), partial(self._get, remote))
        finally:
            target.close()

    def _get(self, remote: RemotePath) -> None:
        entry = self.tree.find(remote)
        if not entry.is_folder:
            self._add(entry, (), str(remote))
        else:
            # As with rsync: a slash at the end means what is in it, and the top has no name.
            parts = () if remote.is_folder else (entry.name,)
            self._get_folder(entry, parts, "" if not remote.parts else str(remote))

    def _get_folder(self, folder: Entry, parts: tuple[str, ...], label: str) -> None:
        """All that is in a remote folder. What fails is reported, the rest goes on."""
        if len(parts) > MAX_DEPTH or folder.id in self._folders:
            raise Unsafe("The server's folders lie inside each other without end.")
        self._folders.add(folder.id)
        with self._target.folder(parts):
            pass  # also an empty folder is one
        for child in self.tree.server.children(folder.id):
            below = f"{label}/{child.name}".lstrip("/")
            if child.is_folder:
                self._guarded(below, partial(self._get_subfolder, child, parts, below))
            else:
                self._guarded(below, partial(self._add, child, parts, below))

    def _get_subfolder(self, folder: Entry, above: tuple[str, ...], label: str) -> None:
        self._claim(above, folder.name)
        self._get_folder(folder, (*above, folder.name), label)

    def _add(self, entry: Entry, parts: tuple[str, ...], label: str) -> None:
        self._claim(parts, entry.name)
        self.report.display.expect(entry.size)
        self._flight.add(_Job(self, self._target, entry, parts, entry.name, label).run)

    def _get_as(self, entry: Entry, remote: RemotePath, local: Path) -> None:
        """A file under a name of the person's choice, which is not judged."""
        target = Target(local.parent)
        try:
            self.report.display.expect(entry.size)
            _Job(self, target, entry, (), local.name, str(remote)).run()
        finally:
            target.close()

    def _claim(self, parts: tuple[str, ...], name: str) -> None:
        """Unsafe when the name is, or when it is taken: on some disks case makes no difference, and
        the second file would replace the first.
        """
        check_safe(name)
        key = tuple(name_key(part) for part in (*parts, name))
        if key in self._written:
            raise Unsafe("Another file of this download has the same name, but for case.")
        self._written.add(key)

    def _guarded(self, label: str, get: Callable[[], None]) -> None:
        try:
            get()
        except ClientError as error:
            self.report.failed(label, error)


@dataclass(frozen=True, slots=True)
class _Job:
    """One file."""

    getting: Getting
    target: Target
    entry: Entry
    parts: tuple[str, ...]
    name: str
    label: str

    def run(self) -> None:
        try:
            with self.target.folder(self.parts) as folder:
                self._get_into(folder)
        except ClientError as error:
            self.getting.report.failed(self.label, error)
        except OSError as error:
            self.getting.report.failed(self.label, LocalTrouble.of(error))

    def _get_into(self, folder: Folder) -> None:
        report = self.getting.report
        item = report.display.begin(self.label, self.entry.size)
        try:
            present = folder.present(self.name)
            if present and self._is_same(folder, present):
                item.advance(self.entry.size)
                report.was_there()
                return
            if present and not self.getting.force:
                raise LocalTrouble("Another file is here already; --force replaces it.")
            download = Download(self.getting.tree.server, self.getting.workers, self.entry, item)
            download.run(folder, self.name)
            report.succeeded(self.label, download.received)
        finally:
            item.end()

    def _is_same(self, folder: Folder, present: Present) -> bool:
        """Size and time decide when both are equal, as with rsync; else the contents."""
        if present.size != self.entry.size:
            return False
        if present.modified_at == self.entry.modified_at and not self.getting.checksum:
            return True
        with folder.reading(self.name) as fd:
            take = partial(blocks.digest, fd, present.size)
            digests = self.getting.workers.hashes.map(take, range(blocks.count(present.size)))
            return blocks.content_hash(digests) == self.entry.content_hash
