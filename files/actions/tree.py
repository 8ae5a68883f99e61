"""The tree: make folders, rename, move; what every new place in it is checked for."""

from collections.abc import Iterator
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Value
from django.db.models.functions import Concat, Substr

from files.access.actor import Actor
from files.access.epochs import bump
from files.access.lookup import entry_for, folder_for
from files.access.policy import folder_ids, permissions
from files.access.roles import Permission
from files.journal.append import append
from files.models import Change, Entry
from files.names import MAX_DEPTH, MAX_PATH_BYTES, clean_name, keys_of, name_key, numbered
from rapidserve.db import current_time, new_id, run_atomic, update_if
from rapidserve.errors import Conflict, Invalid, Stale


def checked_name(raw: str) -> str:
    """The name as this installation allows it."""
    return clean_name(raw, refuse_windows_names=settings.WINDOWS_NAMES == "refuse")


def create_folder(*, actor: Actor, parent_id: UUID, name: str) -> Entry:
    name = checked_name(name)

    def create() -> Entry:
        parent = folder_for(actor, parent_id, Permission.EDIT)
        check_depth(parent, name)
        refuse_taken(parent, name)
        return add_folder(actor, parent, name)

    return run_atomic(create)


def change(
    *,
    actor: Actor,
    entry_id: UUID,
    name: str | None = None,
    parent_id: UUID | None = None,
    if_match: int | None = None,
) -> Entry:
    """Rename, move, or both at once. Stale when `if_match` is not the entry's revision."""
    name = checked_name(name) if name is not None else None

    def apply() -> Entry:
        entry = entry_for(actor, entry_id, Permission.EDIT)
        refuse_stale(entry, if_match)
        if entry.parent is None:
            raise Conflict("The top folder of a space can't be renamed or moved.", code="is_root")
        parent = folder_for(actor, parent_id, Permission.EDIT) if parent_id else entry.parent
        return _place(actor, entry, parent, entry.name if name is None else name)

    return run_atomic(apply)


def add_folder(actor: Actor, parent: Entry, name: str) -> Entry:
    """Insert a folder row and its journal line. In the caller's transaction, name known free."""
    now = current_time()
    folder_id = new_id()
    folder = Entry.objects.create(
        id=folder_id,
        space=parent.space,
        parent=parent,
        type=Entry.Type.FOLDER,
        **keys_of(name),
        path=f"{parent.path}{folder_id.hex}/",
        created_at=now,
        created_by=actor.user,
        modified_at=now,
        modified_by=actor.user,
    )
    append(Change.Type.CREATED, folder, actor_id=actor.id)
    return folder


def live_child(parent: Entry, name: str) -> Entry | None:
    """The child that has this name, or one that counts as the same."""
    return Entry.objects.filter(parent=parent, name_key=name_key(name), live=True).first()


def name_taken(other: Entry, *, is_hidden: bool = False) -> Conflict:
    """`is_hidden`: the actor may not see the other one, so that its id is not told."""
    return Conflict(
        f"There is already a {other.type} with this name.",
        code="name_taken",
        field="name",
        facts={} if is_hidden else {"id": str(other.id)},
    )


def refuse_taken(parent: Entry, name: str) -> None:
    other = live_child(parent, name)
    if other is not None:
        raise name_taken(other)


def free_name(parent: Entry, name: str) -> str:
    """The name itself, or the first `name (n)` that is free in the folder."""
    if live_child(parent, name) is None:
        return name
    number = 1
    while live_child(parent, numbered(name, number)) is not None:
        number += 1
    return numbered(name, number)


def refuse_stale(entry: Entry, if_match: int | None) -> None:
    if if_match is not None and if_match != entry.revision:
        raise Stale(
            "This was changed by someone else meanwhile.", facts={"current": entry.revision}
        )


def refuse_other_space(entry: Entry, parent: Entry) -> None:
    if entry.space_id != parent.space_id:
        raise Conflict("This is another space. Copy it there instead.", code="other_space")


def check_depth(parent: Entry, name: str, *, below: Entry | None = None) -> None:
    """Invalid(path_too_deep) when the new place exceeds 100 levels or 4,096 bytes of path.

    `below`: the folder that is to stand there, with everything in it.
    """
    depth, size = place_in(parent)
    size += len(name.encode())
    if below is not None:
        more_depth, more_size = _extent_below(below)
        depth, size = depth + more_depth, size + more_size
    refuse_deep(depth, size)


def place_in(folder: Entry) -> tuple[int, int]:
    """The level of a folder's children, and the bytes of path that stand before their names."""
    ids = folder_ids(folder)
    names = Entry.objects.filter(id__in=ids).exclude(parent=None).values_list("name", flat=True)
    return len(ids), sum(len(part.encode()) + 1 for part in names)


def refuse_deep(depth: int, size: int) -> None:
    """Invalid(path_too_deep) for a level over 100 or a path over 4,096 bytes."""
    if depth > MAX_DEPTH or size > MAX_PATH_BYTES:
        raise Invalid(
            f"This would be too deep: {MAX_DEPTH} levels and {MAX_PATH_BYTES} bytes are allowed.",
            code="path_too_deep",
            field="parent",
        )


def subtree_folders(folder: Entry) -> QuerySet[Entry]:
    """The folders below this one, itself not among them: one range of the path index."""
    path = folder.path or ""
    return Entry.objects.filter(path__gt=path, path__lt=path[:-1] + "0")  # "0" follows "/"


def _extent_below(folder: Entry) -> tuple[int, int]:
    """Levels and bytes of path that the deepest and the longest entry below a folder add."""
    reach = {folder.id.hex: (0, 0)}
    prefix = len(folder.path or "")
    rows = subtree_folders(folder).order_by("path").values_list("id", "path", "name")
    for folder_id, path, name in rows.iterator():
        above = (path or "")[prefix:].strip("/").split("/")[:-1]
        depth, size = reach[above[-1] if above else folder.id.hex]
        reach[folder_id.hex] = (depth + 1, size + 1 + len(name.encode()))
    deepest = max(depth for depth, _ in reach.values())
    longest = max(size for _, size in reach.values())
    for parent_id, name in _files_in([UUID(key) for key in reach]):
        depth, size = reach[parent_id.hex]
        deepest, longest = max(deepest, depth + 1), max(longest, size + 1 + len(name.encode()))
    return deepest, longest


def _files_in(folder_ids: list[UUID]) -> Iterator[tuple[UUID, str]]:
    """(parent, name) of every file in these folders, a few hundred folders a query."""
    for start in range(0, len(folder_ids), 500):
        yield from (
            Entry.objects.filter(
                parent_id__in=folder_ids[start : start + 500], type=Entry.Type.FILE
            )
            .values_list("parent_id", "name")
            .iterator()
        )


def _place(actor: Actor, entry: Entry, parent: Entry, name: str) -> Entry:
    """Give an entry a name and a parent, with the paths of all folders below."""
    moved, renamed = parent.id != entry.parent_id, name != entry.name
    if not moved and not renamed:
        return entry
    refuse_other_space(entry, parent)
    if entry.is_folder and entry.id in folder_ids(parent):
        raise Conflict("A folder can't be moved into itself.", code="cycle", field="parent")
    check_depth(parent, name, below=entry if entry.is_folder else None)
    _refuse_taken_by_another(actor, entry, parent, name)
    old_parent = entry.parent_id if moved else None
    place = new_place(entry, parent) if moved else {}
    update_entry(entry, **keys_of(name), **place)
    if moved:  # out of the sight of those who saw it there
        bump(entry.space_id)
    kind = Change.Type.MOVED if moved else Change.Type.RENAMED
    append(kind, entry, actor_id=actor.id, old_parent=old_parent)
    return entry


def _refuse_taken_by_another(actor: Actor, entry: Entry, parent: Entry, name: str) -> None:
    """What was shared by itself is renamed beside things its guest may not see."""
    other = live_child(parent, name)
    if other is not None and other.id != entry.id:
        raise name_taken(other, is_hidden=not permissions(actor, other))


def update_entry(entry: Entry, **values: object) -> None:
    """Change a row that nobody changed since it was read; Stale otherwise."""
    unchanged = Entry.objects.filter(id=entry.id, revision=entry.revision)
    if not update_if(unchanged, revision=entry.revision + 1, **values):
        raise Stale("This was changed by someone else meanwhile.")
    for field, value in values.items():
        setattr(entry, field, value)
    entry.revision += 1


def new_place(entry: Entry, parent: Entry) -> dict[str, object]:
    """Values that hang an entry under a parent; the paths of all folders below are rewritten.

    In the caller's transaction. One statement, however many folders there are.
    """
    if not entry.is_folder:
        return {"parent": parent}
    old_path = entry.path or ""
    new_path = f"{parent.path}{entry.id.hex}/"
    subtree_folders(entry).update(path=Concat(Value(new_path), Substr("path", len(old_path) + 1)))
    return {"parent": parent, "path": new_path}
