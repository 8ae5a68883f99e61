"""`rapidserve ls`, `spaces`, `mkdir`, `mv` and `rm`: what is done to names, without contents."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rapidserve_client.answers import Entry, Space, timestamp
from rapidserve_client.errors import ClientError, NotFound, Refused, UsageError
from rapidserve_client.names import printable
from rapidserve_client.remote import RemotePath, Tree
from rapidserve_client.report import Report


def print_spaces(spaces: Iterable[Space], *, as_json: bool) -> None:
    found = list(spaces)
    if as_json:
        print(json.dumps([{"id": one.id, "name": one.name, "kind": one.kind} for one in found]))
        return
    for one in found:
        print(f"{one.id}  {one.kind:<8}  {printable(one.name)}")


def print_entries(tree: Tree, text: str, *, long: bool, as_json: bool) -> None:
    """What is in the folder at a path, or the file that is there."""
    entry = tree.find(RemotePath.parse(text))
    entries = tree.server.children(entry.id) if entry.is_folder else iter([entry])
    if as_json:
        print(json.dumps([_facts(one) for one in entries], indent=2))
        return
    for one in entries:
        name = printable(one.name) + ("/" if one.is_folder else "")
        size = "-" if one.is_folder else str(one.size)
        print(f"{size:>14}  {_local_time(one):<16}  {name}" if long else name)


def make_folders(tree: Tree, paths: Sequence[str]) -> None:
    """With all above them. What is there already is fine."""
    for path in paths:
        tree.make_folders(RemotePath.parse(path))


def move(tree: Tree, paths: Sequence[str], target: str) -> None:
    """As mv does: into `target` if that is a folder, else under that name. Nothing is replaced."""
    place = RemotePath.parse(target)
    there = tree.find_or_none(place)
    if there is None and (place.is_folder or len(paths) > 1):
        raise NotFound(f"There is no folder “{place}” on the server.")
    if there is not None and not there.is_folder and len(paths) > 1:
        raise Refused(f"“{place}” is not a folder.")
    for path in paths:
        source = RemotePath.parse(path)
        entry = _movable(tree, source)
        if there is not None and there.is_folder and there.id != entry.id:
            parent, name = there, entry.name
        else:
            parent, name = tree.find(place.parent), place.parts[-1]
        tree.server.change(entry.id, name=name, parent=parent.id)


def remove(
    tree: Tree, paths: Sequence[str], report: Report, *, recursive: bool, forever: bool
) -> None:
    """Into the trash, or for good. What fails is reported, the rest goes on."""
    for path in paths:
        try:
            entry = _movable(tree, RemotePath.parse(path))
            if entry.is_folder and not recursive:
                raise UsageError("It is a folder; -r removes it with all that is in it.")
            tree.server.trash(entry.id)
            if forever:
                tree.server.remove_from_trash(entry.id)
            report.succeeded(path, 0)
        except ClientError as error:
            report.failed(path, error)


def _movable(tree: Tree, path: RemotePath) -> Entry:
    if not path.parts:
        raise UsageError("The top of a space can't be moved or removed.")
    return tree.find(path)


def _facts(entry: Entry) -> dict[str, object]:
    dated = entry.modified_at is not None
    return {
        "id": entry.id,
        "type": "folder" if entry.is_folder else "file",
        "name": entry.name,
        "size": None if entry.is_folder else entry.size,
        "content_hash": entry.content_hash or None,
        "modified_at": timestamp(entry.modified_at) if dated and entry.modified_at else None,
    }


def _local_time(entry: Entry) -> str:
    if entry.modified_at is None:
        return "-"
    try:
        moment = datetime.fromtimestamp(entry.modified_at / 1e6, UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return "-"
    return moment.strftime("%Y-%m-%d %H:%M")
