"""A space behaves like a dictionary of folders and files, whatever is done to it in any order.

RS_MODEL_RUNS=2000 RS_MODEL_STEPS=50 makes a night's run of it.
"""

import hashlib
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.actions import create_user
from files.access.actor import Actor
from files.actions import copies, packs, trash, tree, uploads, versions
from files.content import reader, writer
from files.content.collect import collect
from files.content.verify import verify
from files.content.writer import ChunkSpec
from files.models import Change, Chunk, Entry, JournalHead, Space, Version
from rapidserve.errors import Conflict, StorageFull
from tests.crash.stage import open_stage
from tests.engines.undo import ON_MONGODB, rolled_back

RUNS = int(os.environ.get("RS_MODEL_RUNS", "15" if ON_MONGODB else "60"))
STEPS = int(os.environ.get("RS_MODEL_STEPS", "30"))
TINY = 4  # bytes of a chunk here, so that small contents have several
QUOTA = 100
NAMES = ["one", "ONE", "two", "three.txt"]
CONTENTS = [b"", b"a", b"aaaa", b"aaaab", b"aaaabbbb", b"bbbbaaaac"]


@dataclass
class Node:
    """An entry as the model knows it. `versions` is empty for folders, else the last is newest."""

    parent: object
    name: str
    versions: list[bytes] = field(default_factory=list)
    current: int = -1
    live: bool = True
    is_folder: bool = False

    @property
    def content(self) -> bytes:
        return self.versions[self.current]


class Packed(bytes):
    """The content of a file that lies in `chunk` with others."""

    chunk: bytes

    @classmethod
    def together(cls, contents: list[bytes]) -> "list[Packed]":
        found = [cls(content) for content in contents]
        for content in found:
            content.chunk = b"".join(contents)
        return found


class SpaceModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.cleanup = ExitStack()
        self.cleanup.enter_context(rolled_back())
        patch = self.cleanup.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("files.chunkstore.chunk.CHUNK_SIZE", TINY)
        self.node = self.cleanup.enter_context(open_stage()).node
        reader.forget_all()
        user = create_user(username="alice", password="correct horse battery")
        self.alice = Actor(user)
        Space.objects.update(quota_bytes=QUOTA)
        self.root = Space.objects.get().root
        self.model = {self.root: Node(None, "", is_folder=True)}

    # -- what alice does -------------------------------------------------------------------------

    @rule(
        data=st.data(),
        name=st.sampled_from(NAMES),
        content=st.sampled_from(CONTENTS),
        on_conflict=st.sampled_from(["version", "rename", "fail"]),
    )
    def upload(self, data, name, content, on_conflict):
        parent = self.some(data, lambda node: node.is_folder)
        clash = self.clash(self.child(parent, name), on_conflict)
        with self.refused(clash or self.no_room(len(content))):
            entry = self.send(parent, name, content, on_conflict)
            self.accept(parent, name, content, on_conflict, entry)

    @rule(
        data=st.data(),
        files=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(CONTENTS)), max_size=3),
        on_conflict=st.sampled_from(["version", "rename", "fail"]),
    )
    def pack(self, data, files, on_conflict):
        parent = self.some(data, lambda node: node.is_folder)
        contents = Packed.together([content[:TINY] for _, content in files])  # one extent each
        files = [(name, content) for (name, _), content in zip(files, contents, strict=True)]
        with self.refused(self.no_room(sum(len(content) for _, content in files))):
            outcomes = self.send_pack(parent, files, on_conflict)
            for name, content, outcome in self.in_order(parent, files, outcomes):
                if self.clash(self.child(parent, name), on_conflict):
                    assert isinstance(outcome, Conflict)
                else:
                    self.accept(parent, name, content, on_conflict, outcome)

    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def make_a_folder(self, data, name):
        parent = self.some(data, lambda node: node.is_folder)
        with self.refused(self.child(parent, name)):
            entry = tree.create_folder(actor=self.alice, parent_id=parent, name=name)
            self.add(entry, Node(parent, name, is_folder=True))

    @rule(data=st.data(), name=st.sampled_from([*NAMES, None]), moved=st.booleans())
    def move_or_rename(self, data, name, moved):
        entry = self.some(data, lambda node: node.parent)
        if entry is None:
            return
        node = self.model[entry]
        parent = self.some(data, lambda other: other.is_folder) if moved else node.parent
        final = node.name if name is None else name
        other = self.child(parent, final)
        into_itself = entry in self.above(parent) and parent != node.parent
        clash = (other and other != entry) or into_itself
        with self.refused(clash):
            tree.change(actor=self.alice, entry_id=entry, name=name, parent_id=parent)
            node.parent, node.name = parent, final

    @rule(data=st.data(), name=st.sampled_from([*NAMES, None]))
    def copy(self, data, name):
        entry = self.some(data, lambda node: node.parent)
        parent = self.some(data, lambda node: node.is_folder)
        if entry is None:
            return
        below = self.below(entry)
        size = sum(len(self.model[e].content) for e in below if not self.model[e].is_folder)
        clash = (name and self.child(parent, name)) or entry in self.above(parent)
        with self.refused(clash or self.no_room(size)):
            made = copies.copy(actor=self.alice, entry_id=entry, parent_id=parent, name=name)
            self.add_copy(entry, made, parent)

    @rule(data=st.data())
    def trash(self, data):
        entry = self.some(data, lambda node: node.parent)
        if entry:
            trash.trash(actor=self.alice, entry_id=entry)
            self.model[entry].live = False

    @rule(data=st.data())
    def restore(self, data):
        entry = self.some_trashed(data)
        if entry:
            restored = trash.restore(actor=self.alice, entry_id=entry)
            node = self.model[entry]
            parent = node.parent if self.in_sight(node.parent) else self.root
            assert restored.parent_id == parent
            assert (restored.name != node.name) == bool(self.child(parent, node.name))
            node.live, node.parent, node.name = True, parent, restored.name

    @rule(data=st.data())
    def remove(self, data):
        entry = self.some_trashed(data)
        if entry:
            trash.remove(actor=self.alice, entry_id=entry)
            for gone in self.below(entry, live_only=False):
                del self.model[gone]

    @rule(data=st.data())
    def restore_a_version(self, data):
        entry = self.some(data, lambda node: not node.is_folder)
        if entry:
            rows = Version.objects.filter(entry=entry).order_by("number")
            number = data.draw(st.integers(0, len(rows) - 1))
            versions.restore(actor=self.alice, entry_id=entry, version_id=rows[number].id)
            self.model[entry].current = number

    @rule()
    def collect_garbage(self):
        collect()
        needed = {
            piece
            for node in self.model.values()
            for content in node.versions
            for piece in pieces(content)
        }
        assert Chunk.objects.count() == len(needed) == len(list(self.node.list()))

    # -- what must hold --------------------------------------------------------------------------

    @invariant()
    def every_folder_lists_what_the_model_says(self):
        rows = Entry.objects.values_list("id", "parent_id", "name", "live")
        assert {row[0]: row[1:] for row in rows} == {
            entry: (node.parent, node.name or "My files", node.live)
            for entry, node in self.model.items()
        }

    @invariant()
    def every_version_reads_as_it_was_written(self):
        for entry, node in self.model.items():
            rows = Version.objects.filter(entry=entry).order_by("number")
            assert [self.read(version) for version in rows] == node.versions
            if not node.is_folder:
                current = Entry.objects.get(id=entry).current_version_id
                assert current == rows[node.current].id

    @invariant()
    def the_quota_counts_every_version_once(self):
        space = Space.objects.get()
        assert (space.used_bytes, space.reserved_bytes) == (self.used(), 0)

    @invariant()
    def the_journal_has_no_gaps(self):
        lines = list(Change.objects.order_by("seq").values_list("seq", flat=True))
        assert lines == list(range(1, JournalHead.objects.get().seq + 1))

    def teardown(self):
        try:
            assert [finding.text for finding in verify(deep=True) if finding.is_damage] == []
        finally:
            self.cleanup.close()

    # -- the model -------------------------------------------------------------------------------

    @contextmanager
    def refused(self, expected):
        """The block must be refused when the model says so, and only then."""
        if not expected:
            yield
            return
        with pytest.raises((Conflict, StorageFull)):
            yield

    def some(self, data, wanted):
        found = [e for e, node in self.model.items() if wanted(node) and self.in_sight(e)]
        return data.draw(st.sampled_from(found)) if found else None

    def some_trashed(self, data):
        found = [entry for entry, node in self.model.items() if not node.live]
        return data.draw(st.sampled_from(found)) if found else None

    def above(self, entry):
        """The entry and the folders above it."""
        path = []
        while entry is not None:
            path.append(entry)
            entry = self.model[entry].parent
        return path

    def in_sight(self, entry):
        return all(self.model[folder].live for folder in self.above(entry))

    def below(self, entry, *, live_only=True):
        """The entry and what lies below it; trashed things are not copied with a folder."""

        def belongs(other):
            path = self.above(other)
            if entry not in path:
                return False
            inside = path[: path.index(entry)]
            return not live_only or all(self.model[folder].live for folder in inside)

        return [other for other in self.model if belongs(other)]

    def child(self, parent, name):
        for entry, node in self.model.items():
            if node.parent == parent and node.live and node.name.casefold() == name.casefold():
                return entry
        return None

    def used(self):
        return sum(len(content) for node in self.model.values() for content in node.versions)

    def no_room(self, size):
        return self.used() + size > QUOTA

    def clash(self, taken, on_conflict):
        is_folder = taken and self.model[taken].is_folder
        return taken and (on_conflict == "fail" or (on_conflict == "version" and is_folder))

    def in_order(self, parent, files, outcomes):
        """A pack makes those with a free name first, then settles the others one by one."""
        taken = {n.name.casefold() for n in self.model.values() if n.parent == parent and n.live}
        free, others = [], []
        for (name, content), outcome in zip(files, outcomes, strict=True):
            (others if name.casefold() in taken else free).append((name, content, outcome))
            taken.add(name.casefold())
        return free + others

    def accept(self, parent, name, content, on_conflict, entry):
        """A file has arrived, and nothing stood against it."""
        taken = self.child(parent, name)
        if taken and on_conflict == "version":
            assert entry.id == taken
            self.model[taken].versions.append(content)
            self.model[taken].current = -1 + len(self.model[taken].versions)
        else:
            assert entry.name == name or taken
            self.add(entry, Node(parent, entry.name, [content], 0))

    def add(self, entry, node):
        assert entry.id not in self.model
        self.model[entry.id] = node

    def add_copy(self, source, made, parent):
        """The copy has the names below it that the original has, and only current versions."""
        node = self.model[source]
        copied = [] if node.is_folder else [node.content]
        children = [e for e, n in self.model.items() if n.parent == source and n.live]
        self.add(
            made,
            Node(parent, made.name, copied, len(copied) - 1, is_folder=node.is_folder),
        )
        for child in children:
            name = self.model[child].name
            self.add_copy(child, Entry.objects.get(parent=made, name=name), made.id)

    # -- the real thing --------------------------------------------------------------------------

    def send(self, parent, name, content, on_conflict):
        specs = [ChunkSpec(hashlib.sha256(p).hexdigest(), len(p)) for p in pieces(content)]
        announcement = uploads.Announcement(
            parent, name, len(content), specs, on_conflict=on_conflict
        )
        upload, _ = uploads.register(actor=self.alice, announcement=announcement)
        for slot in writer.slots(upload, 0, 100):
            if not slot.have:
                incoming = self.node.writer(slot.key, size=slot.size, sha256=slot.sha256)
                incoming.write(pieces(content)[slot.index])
                incoming.commit()
        return uploads.complete(actor=self.alice, upload_id=upload.id).file

    def send_pack(self, parent, files, on_conflict):
        described = [
            packs.PackedFile(name, len(content), hashlib.sha256(content).hexdigest())
            for name, content in files
        ]
        return packs.store_pack(
            actor=self.alice,
            parent_id=parent,
            files=described,
            data=memoryview(b"".join(content for _, content in files)),
            on_conflict=on_conflict,
        )

    def read(self, version):
        content = b""
        for index in range(len(pieces(b"x" * version.size))):
            extent = reader.extent(version.id, index)
            content += b"".join(reader.read(version.id, extent, 0, extent.length))
        return content


def pieces(content):
    """The chunks that hold a file's bytes."""
    if isinstance(content, Packed):
        return [content.chunk] if content else []
    return [content[start : start + TINY] for start in range(0, len(content), TINY)]


@pytest.mark.django_db
def test_a_space_behaves_like_a_dictionary():
    run_state_machine_as_test(
        SpaceModel,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
