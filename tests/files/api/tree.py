"""What must hold for every tree, written down a second time."""

from files.models import Entry, Space


def assert_sound(space: Space) -> None:
    """Every folder's path is its parent's and its own id; live names are unique in a folder."""
    entries = {entry.id: entry for entry in Entry.objects.filter(space=space)}
    for entry in entries.values():
        if entry.type == Entry.Type.FILE:
            assert entry.path is None
            continue
        above = entries[entry.parent_id].path if entry.parent_id else "/"
        assert entry.path == f"{above}{entry.id.hex}/", entry.name
    live = [(entry.parent_id, entry.name_key) for entry in entries.values() if entry.live]
    assert len(live) == len(set(live))
