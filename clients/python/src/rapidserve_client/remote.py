"""Paths on the server, and finding what is at them: the protocol knows ids only."""

import unicodedata
from dataclasses import dataclass, field
from typing import Self

from rapidserve_client.answers import Entry, Space
from rapidserve_client.errors import NotFound, Refused, UsageError
from rapidserve_client.names import name_key, printable
from rapidserve_client.server import Server


@dataclass(frozen=True, slots=True)
class RemotePath:
    """`Projects/film/a.mov`, from the top of a space. `is_folder`: it was written with a slash at
    its end, so that only a folder can be meant.
    """

    parts: tuple[str, ...]
    is_folder: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        parts = [part for part in text.split("/") if part not in {"", "."}]
        if ".." in parts:
            raise UsageError(f"“{text}”: there is no “..” in paths on the server.")
        normal = tuple(unicodedata.normalize("NFC", part) for part in parts)
        return cls(normal, is_folder=not normal or text.endswith(("/", "/.")))

    @property
    def parent(self) -> "RemotePath":
        return RemotePath(self.parts[:-1], is_folder=True)

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath((*self.parts, name), is_folder=False)

    def __str__(self) -> str:
        return "/".join(self.parts) or "/"


@dataclass
class Tree:
    """One space's tree. Each folder is listed once, and remembered: a command is over soon.

    Not for several threads.
    """

    server: Server
    root: str
    _listed: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def find(self, path: RemotePath) -> Entry:
        """What is at `path`. NotFound; Refused when it has to be a folder and is none."""
        entry = self.find_or_none(path)
        if entry is None:
            raise NotFound(f"There is no “{path}” on the server.")
        return entry

    def find_or_none(self, path: RemotePath) -> Entry | None:
        entry: Entry | None = self.top
        for name in path.parts:
            if entry is None or not entry.is_folder:
                return None
            entry = self.child(entry, name)
        if entry and path.is_folder and not entry.is_folder:
            raise Refused(f"“{path}” is not a folder.")
        return entry

    def child(self, folder: Entry, name: str) -> Entry | None:
        return self.children(folder).get(name_key(name))

    def children(self, folder: Entry) -> dict[str, Entry]:
        """By name key. Of a hostile server's two entries with one name, the first."""
        if folder.id not in self._listed:
            found: dict[str, Entry] = {}
            for entry in self.server.children(folder.id):
                found.setdefault(name_key(entry.name), entry)
            self._listed[folder.id] = found
        return self._listed[folder.id]

    def forget(self, folder: Entry) -> None:
        """Drop what is known of a folder that is done: a large tree must not need much memory."""
        self._listed.pop(folder.id, None)

    def make_folders(self, path: RemotePath) -> Entry:
        """The folder at `path`, made with all above it where they are missing."""
        folder = self.top
        for name in path.parts:
            folder = self.make_folder(folder, name)
        return folder

    def make_folder(self, parent: Entry, name: str) -> Entry:
        """The folder `name` in `parent`, there before or not. Refused when a file is there."""
        there = self.child(parent, name)
        if there is None:
            there, is_new = self.server.create_folder(parent.id, name)
            self.children(parent)[name_key(name)] = there
            if is_new:
                self._listed[there.id] = {}
        if not there.is_folder:
            raise Refused(f"“{name}” is a file on the server.")
        return there

    @property
    def top(self) -> Entry:
        """The folder that holds all; its name is the space's affair."""
        return Entry(
            id=self.root,
            name="",
            is_folder=True,
            size=0,
            content_hash="",
            version="",
            modified_at=None,
        )


def tree_of(server: Server, space: str | None) -> Tree:
    """The tree of the space with this name or id; of the personal one when there is no name."""
    spaces = list(server.spaces())
    if space is None:
        found = [one for one in spaces if one.kind == "personal" and one.role == "owner"]
    else:
        found = [one for one in spaces if one.id == space] or [
            one for one in spaces if name_key(one.name) == name_key(space)
        ]
    if len(found) == 1:
        return Tree(server, found[0].root)
    raise _which(space, found or spaces)


def _which(space: str | None, candidates: list[Space]) -> NotFound | UsageError:
    names = ", ".join(f"{printable(one.name)} ({one.id})" for one in candidates)
    if space is None:
        return UsageError(f"Say which space is meant with --space. There are: {names}.")
    if len({name_key(one.name) for one in candidates} | {name_key(space)}) == 1:
        return UsageError(f"Several spaces have that name; use an id: {names}.")
    return NotFound(f"There is no space “{space}”. There are: {names}.")
