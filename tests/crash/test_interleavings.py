"""Uploads, collectors, copies and removals, interleaved by statement, and killed anywhere.

RS_MODEL_RUNS=2000 makes a night's run of it. tests/crash/stage.py says what one step is.
"""

import hashlib
import os
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from types import SimpleNamespace

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.actions import create_user
from files.access.actor import Actor
from files.actions import copies, trash, tree, uploads, versions
from files.chunkstore.chunk import content_hash
from files.content import reader, writer
from files.content.collect import collect
from files.content.verify import verify
from files.content.writer import ChunkSpec
from files.models import Change, Chunk, Entry, Extent, Space, Upload, Version
from files.tasks import expire_uploads
from rapidserve.errors import Conflict
from tests.crash.stage import Stage, open_stage
from tests.engines.undo import ON_MONGODB, rolled_back

RUNS = int(os.environ.get("RS_MODEL_RUNS", "20" if ON_MONGODB else "60"))
STEPS = 40
TINY = 4  # bytes of a chunk here: the arithmetic is the same, and so is everything else
CONTENTS = [b"", b"aaaa", b"aa", b"aaaabbbb", b"bbbbaaaa", b"aaaaaaaa", b"bbbbbb"]
NAMES = ["one", "two"]
AT_ONCE = 4


def pieces(content: bytes) -> list[bytes]:
    return [content[start : start + TINY] for start in range(0, len(content), TINY)]


def specs(content: bytes) -> list[ChunkSpec]:
    return [ChunkSpec(hashlib.sha256(p).hexdigest(), len(p)) for p in pieces(content)]


class Interleavings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.cleanup = ExitStack()
        self.cleanup.enter_context(rolled_back())
        patch = self.cleanup.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("files.chunkstore.chunk.CHUNK_SIZE", TINY)
        # Ids in the order of creation, whatever the clock says: a failing order replays.
        moments = count(10**18, 10**6)
        patch.setattr(
            "rapidserve.db.time",
            SimpleNamespace(time_ns=lambda: next(moments), sleep=None, monotonic=lambda: 0.0),
        )
        self.stage: Stage = self.cleanup.enter_context(open_stage())
        self.people = [
            Actor(create_user(username=name, password="correct horse battery"))
            for name in ("alice", "bob")
        ]
        reader.forget_all()
        self.contents = {}  # of every version that was ever committed
        self.files = {}  # the file of each of them
        self.parents = {}  # where each entry was when it was last seen
        self.folders = {}
        for person in self.people:
            root = Space.objects.get(owner=person.user).root
            folder = tree.create_folder(actor=person, parent_id=root, name="folder")
            self.folders[person] = [root, folder.id]

    # -- what people do; each is one actor on the stage ------------------------------------------

    @rule(
        who=st.integers(0, 1),
        folder=st.integers(0, 1),
        name=st.sampled_from(NAMES),
        content=st.sampled_from(CONTENTS),
        on_conflict=st.sampled_from(["version", "rename", "fail"]),
        pages=st.booleans(),
    )
    def upload(self, who, folder, name, content, on_conflict, pages):
        person = self.people[who]
        parent = self.folders[person][folder]
        self._enter(
            "upload", lambda: self._upload(person, parent, name, content, on_conflict, pages)
        )

    @rule()
    def collect_garbage(self):
        self._enter("collect", collect)

    @rule(data=st.data())
    def look_at_an_upload(self, data):
        upload, person = self._some_upload(data)
        if upload:
            self._enter("status", lambda: self._status(person, upload.id))

    @rule(data=st.data())
    def complete_an_upload(self, data):
        upload, person = self._some_upload(data)
        if upload:
            self._enter("complete", lambda: uploads.complete(actor=person, upload_id=upload.id))

    @rule(data=st.data())
    def cancel_an_upload(self, data):
        upload, person = self._some_upload(data)
        if upload:
            self._enter("cancel", lambda: uploads.cancel(actor=person, upload_id=upload.id))

    @rule(data=st.data())
    def copy(self, data):
        entry, person = self._some_entry(data, live=True)
        if entry:
            root = self.folders[person][0]
            self._enter(
                "copy", lambda: copies.copy(actor=person, entry_id=entry.id, parent_id=root)
            )

    @rule(data=st.data())
    def trash(self, data):
        entry, person = self._some_entry(data, live=True)
        if entry:
            self._enter("trash", lambda: trash.trash(actor=person, entry_id=entry.id))

    @rule(data=st.data())
    def restore(self, data):
        entry, person = self._some_entry(data, live=False)
        if entry:
            self._enter("restore", lambda: trash.restore(actor=person, entry_id=entry.id))

    @rule(data=st.data())
    def remove(self, data):
        entry, person = self._some_entry(data, live=False)
        if entry:
            self._enter("remove", lambda: trash.remove(actor=person, entry_id=entry.id))

    @rule(data=st.data())
    def restore_a_version(self, data):
        entry, person = self._some_entry(data, live=True)
        found = Version.objects.filter(entry=entry).order_by("id") if entry else None
        if found and entry.type == Entry.Type.FILE:
            version = data.draw(st.sampled_from(list(found)))
            self._enter(
                "version",
                lambda: versions.restore(actor=person, entry_id=entry.id, version_id=version.id),
            )

    # -- the order of things ---------------------------------------------------------------------

    @rule(which=st.integers(0, AT_ONCE - 1), steps=st.integers(1, 12))
    def go_on(self, which, steps):
        for actor in self.stage.playing[which : which + 1]:
            actor.go(steps)

    @rule(which=st.integers(0, AT_ONCE - 1))
    def finish(self, which):
        for actor in self.stage.playing[which : which + 1]:
            actor.go(None)

    @rule(which=st.integers(0, AT_ONCE - 1))
    def kill(self, which):
        for actor in self.stage.playing[which : which + 1]:
            actor.kill()

    # -- what must hold after every step ---------------------------------------------------------

    @invariant()
    def every_committed_version_is_whole(self):
        for version in Version.objects.filter(state=Version.State.COMMITTED):
            extents = Extent.objects.filter(version=version).order_by("index")
            states = Chunk.objects.filter(extents__version=version).values_list("state", flat=True)
            data = b"".join(
                b"".join(self.stage.node.read(e.chunk.key, e.offset, e.length)) for e in extents
            )
            assert set(states) <= {Chunk.State.LIVE, Chunk.State.CONDEMNED}
            assert data == self.contents.setdefault(version.id, data)
            self.files[version.id] = version.entry_id
            assert content_hash(s.sha256 for s in specs(data)) == version.content_hash

    @invariant()
    def what_was_committed_stays_until_it_is_removed_for_good(self):
        self.parents |= dict(Entry.objects.values_list("id", "parent_id"))
        removed = set(
            Change.objects.filter(type=Change.Type.DELETED).values_list("entry", flat=True)
        )
        there = set(Version.objects.filter(state="committed").values_list("id", flat=True))
        for version_id in self.contents.keys() - there:
            file = self.files[version_id]
            assert {file, self.parents[file]} & removed

    def teardown(self):
        try:
            self._come_to_rest()
            assert [finding.text for finding in verify(deep=True)] == []
            assert set(Chunk.objects.values_list("state", flat=True)) <= {Chunk.State.LIVE}
            assert Chunk.objects.count() == len(list(self.stage.node.list()))
            assert not Space.objects.exclude(reserved_bytes=0).exists()
            assert not Version.objects.filter(state=Version.State.PENDING).exists()
        finally:
            self.cleanup.close()

    def _come_to_rest(self):
        """Everybody finishes, and the sweepers come by once."""
        while self.stage.playing:
            self.stage.playing[0].go(None)
        self.every_committed_version_is_whole()
        self.what_was_committed_stays_until_it_is_removed_for_good()
        Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        expire_uploads.call_local()
        trash.purge_expired()
        collect()

    # -- how they do it --------------------------------------------------------------------------

    def _enter(self, title, function):
        if len(self.stage.playing) < AT_ONCE:
            self.stage.enter(title, function)

    def _upload(self, person, parent, name, content, on_conflict, pages):
        """A client: registers, sends what is asked for, completes; sends again what is missing."""
        hashes = specs(content)
        first = hashes[:1] if pages else hashes
        announcement = uploads.Announcement(
            parent, name, len(content), first, on_conflict=on_conflict
        )
        upload, _ = uploads.register(actor=person, announcement=announcement)
        if first != hashes:
            uploads.add_chunks(actor=person, upload_id=upload.id, start=1, chunks=hashes[1:])
        for _ in range(5):
            self._send(upload, content)
            try:
                done = uploads.complete(actor=person, upload_id=upload.id)
            except Conflict as error:
                if error.code != "chunks_missing":
                    raise
            else:
                assert done.version.content_hash == content_hash(spec.sha256 for spec in hashes)
                self.contents[done.version.id] = content
                self.files[done.version.id] = done.file.id
                return
        raise AssertionError("completing never succeeds")

    def _send(self, upload, content):
        for slot in writer.slots(upload, 0, 100):
            if not slot.have:
                incoming = self.stage.node.writer(slot.key, size=slot.size, sha256=slot.sha256)
                incoming.write(pieces(content)[slot.index])
                incoming.commit()

    def _status(self, person, upload_id):
        upload = uploads.open_upload_for(person, upload_id)
        uploads.refresh(upload, start=0, limit=100)
        return writer.slots(upload, 0, 100)

    def _some_upload(self, data):
        found = list(Upload.objects.select_related("actor").order_by("id"))
        if not found:
            return None, None
        upload = data.draw(st.sampled_from(found))
        return upload, Actor(upload.actor)

    def _some_entry(self, data, *, live):
        rows = Entry.objects.filter(live=live, purged_at=None).exclude(parent=None)
        found = list(rows.select_related("space__owner").order_by("id"))
        if not found:
            return None, None
        entry = data.draw(st.sampled_from(found))
        return entry, Actor(entry.space.owner)


@pytest.mark.django_db
def test_no_order_of_steps_and_kills_loses_an_acknowledged_byte():
    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
