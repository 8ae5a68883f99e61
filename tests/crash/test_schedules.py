"""Every schedule with two interruptions, of real uploads, collectors, copies and removals.

Where tests/crash/test_interleavings.py wanders, this enumerates: one actor is stopped before each
of its statements in turn, another gets as far as each of its own, and so on. Two interruptions are
what nearly every race needs. RS_SCHEDULES=100000 tries all of them; the suite takes a sample.

On SQLite each scenario runs twice: as it serialises it, and with lookups from a snapshot that was
taken before the transaction's writes, as MongoDB gives them: the claim of a collector that falls
between the two is then not seen, and only the look after the commit can find it. On MongoDB it runs
as it is.
"""

import hashlib
import os
import random
from contextlib import suppress
from itertools import count, permutations
from types import SimpleNamespace

import pytest

from accounts.actions import create_user
from files.access.actor import Actor
from files.actions import copies, packs, trash, tree, uploads
from files.content import reader, writer
from files.content.collect import collect
from files.content.verify import verify
from files.content.writer import ChunkSpec
from files.models import Chunk, Entry, Extent, Space, Version
from rapidserve.errors import Conflict
from tests.crash.stage import open_stage
from tests.engines.undo import ON_MONGODB, rolled_back

SCHEDULES = int(os.environ.get("RS_SCHEDULES", "8" if ON_MONGODB else "10"))
DATA = b"the bytes that everybody has"
SHA256 = hashlib.sha256(DATA).hexdigest()
SPEC = ChunkSpec(SHA256, len(DATA))


@pytest.fixture(params=["real"] if ON_MONGODB else ["serialised", "snapshots"])
def isolation(request, monkeypatch):
    moments = count(10**18, 10**6)
    clock = SimpleNamespace(time_ns=lambda: next(moments), sleep=None, monotonic=lambda: 0.0)
    monkeypatch.setattr("rapidserve.db.time", clock)
    if request.param == "snapshots":
        # What was live when it was looked up is taken for live until the transaction ends.
        monkeypatch.setattr(writer, "_live_among", set)
    return request.param


class Play:
    """One schedule of one scenario, from a fresh start that is rolled back afterwards."""

    def __init__(self, stage):
        self.stage = stage
        self.alice = Actor(create_user(username="alice", password="correct horse battery"))
        self.root = Space.objects.get(owner=self.alice.user).root

    def upload(self, name, parent=None):
        """A client that does as it is told until it has its file."""
        announcement = uploads.Announcement(parent or self.root, name, len(DATA), [SPEC])
        upload, _ = uploads.register(actor=self.alice, announcement=announcement)
        for _ in range(5):
            self.send(upload)
            try:
                return uploads.complete(actor=self.alice, upload_id=upload.id).file
            except Conflict as error:
                if error.code != "chunks_missing":
                    raise
        raise AssertionError("completing never succeeds")

    def send(self, upload):
        for slot in writer.slots(upload, 0, 10):
            if not slot.have:
                incoming = self.stage.node.writer(slot.key, size=slot.size, sha256=slot.sha256)
                incoming.write(DATA)
                incoming.commit()

    def sent(self, name):
        """An upload that has sent everything and not been completed."""
        announcement = uploads.Announcement(self.root, name, len(DATA), [SPEC])
        upload, _ = uploads.register(actor=self.alice, announcement=announcement)
        self.send(upload)
        return upload

    def pack(self, *names):
        """Files that all have the same content."""
        files = [packs.PackedFile(name, len(DATA), SHA256) for name in names]
        return packs.store_pack(
            actor=self.alice,
            parent_id=self.root,
            files=files,
            data=memoryview(DATA * len(names)),
        )

    def complete(self, upload):
        with suppress(Conflict):  # what was collected meanwhile would have to be sent again
            uploads.complete(actor=self.alice, upload_id=upload.id)

    def status(self, upload):
        uploads.refresh(upload, start=0, limit=10)
        writer.slots(upload, 0, 10)

    def remove(self, entry):
        trash.trash(actor=self.alice, entry_id=entry.id)
        trash.remove(actor=self.alice, entry_id=entry.id)

    def leave_a_chunk_to_nobody(self):
        """Live, and no extent refers to it: what collectors are after and uploads may adopt."""
        self.remove(self.upload("gone"))


def an_upload_of_what_is_being_collected(play):
    play.leave_a_chunk_to_nobody()
    return [lambda: play.upload("new"), collect]


def an_upload_between_two_collectors(play):
    play.leave_a_chunk_to_nobody()
    return [lambda: play.upload("new"), collect, collect]


def two_requests_of_one_upload_and_a_collector(play):
    play.leave_a_chunk_to_nobody()
    upload = play.sent("new")
    return [lambda: play.complete(upload), lambda: play.status(upload), collect]


def an_upload_of_what_is_being_removed(play):
    file = play.upload("old")

    def remove_and_collect():
        play.remove(file)
        collect()

    return [lambda: play.upload("new"), remove_and_collect]


def a_copy_of_what_is_being_removed(play):
    file = play.upload("old")

    def remove_and_collect():
        play.remove(file)
        collect()

    copy = {"actor": play.alice, "entry_id": file.id, "parent_id": play.root, "name": "copy"}
    return [lambda: copies.copy(**copy), remove_and_collect]


def a_pack_of_what_is_being_collected(play):
    """Its one chunk has the bytes of the one that goes, and may adopt it."""
    play.leave_a_chunk_to_nobody()
    return [lambda: play.pack("new")[0], collect]


def a_pack_of_which_a_file_is_removed(play):
    removed, _ = play.pack("a", "b")

    def remove_and_collect():
        play.remove(removed)
        collect()

    return [lambda: play.pack("b", "c")[1], remove_and_collect]


def a_cancelled_upload(play):
    play.leave_a_chunk_to_nobody()
    upload = play.sent("new")
    return [
        lambda: play.complete(upload),
        lambda: uploads.cancel(actor=play.alice, upload_id=upload.id),
        collect,
    ]


def something_taken_out_of_a_folder_that_is_being_removed(play):
    outer = tree.create_folder(actor=play.alice, parent_id=play.root, name="outer")
    inner = tree.create_folder(actor=play.alice, parent_id=outer.id, name="inner")
    play.upload("file", parent=inner.id)
    play.upload("other", parent=inner.id)
    trash.trash(actor=play.alice, entry_id=inner.id)
    trash.trash(actor=play.alice, entry_id=outer.id)
    return [
        lambda: trash.restore(actor=play.alice, entry_id=inner.id),
        lambda: trash.remove(actor=play.alice, entry_id=outer.id),
    ]


SCENARIOS = [
    an_upload_of_what_is_being_collected,
    an_upload_between_two_collectors,
    two_requests_of_one_upload_and_a_collector,
    an_upload_of_what_is_being_removed,
    a_copy_of_what_is_being_removed,
    a_pack_of_what_is_being_collected,
    a_pack_of_which_a_file_is_removed,
    a_cancelled_upload,
    something_taken_out_of_a_folder_that_is_being_removed,
]


def play(scenario, order, stops):
    """Run actors in `order`, each up to its number in `stops`; then let them finish, last first.

    How many statements each of them had: the caller's bounds for `stops`.
    """
    reader.forget_all()
    with rolled_back(), open_stage() as stage:
        one = Play(stage)
        actors = [stage.enter(str(n), act) for n, act in enumerate(scenario(one))]
        steps = dict.fromkeys(order, 0)
        for number, stop in zip(order, [*stops, None], strict=False):
            steps[number] += actors[number].go(stop)
            must_be_whole(stage)
        for number in reversed(order):
            steps[number] += actors[number].go(None)
            must_be_whole(stage)
        answers = [actor.answer for actor in actors if isinstance(actor.answer, Entry)]
        must_be_there(answers)
        collect()
        must_be_whole(stage)
        problems = [finding.text for finding in verify(deep=True) if finding.is_damage]
        assert problems == []
    return steps


def must_be_whole(stage):
    there = {stored.key for stored in stage.node.list()}
    needed = Extent.objects.filter(version__state=Version.State.COMMITTED)
    for key, state in needed.values_list("chunk__key", "chunk__state"):
        assert key in there
        assert state in {Chunk.State.LIVE, Chunk.State.CONDEMNED}


def must_be_there(entries):
    """What was answered with an entry is there, with everything below it that was there before."""
    for entry in entries:
        if entry.is_folder:
            assert Entry.objects.filter(parent=entry).count() == 2
        else:
            assert Version.objects.filter(id=entry.current_version_id).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
@pytest.mark.usefixtures("isolation")
def test_no_schedule_loses_what_was_acknowledged(scenario):
    actors = 3 if scenario.__name__.endswith(("collectors", "collector", "cancelled_upload")) else 2
    alone = play(scenario, range(actors), [])
    schedules = [
        (order, stops) for order in permutations(range(actors)) for stops in stopping(order, alone)
    ]
    chosen = random.Random(scenario.__name__).sample(schedules, min(SCHEDULES, len(schedules)))

    for order, stops in chosen:
        play(scenario, order, stops)


def stopping(order, alone):
    """Stop the first before each of its statements, and the second before each of its own."""
    for first in range(alone[order[0]] + 1):
        for second in range(alone[order[1]] + 1):
            yield (first, second)
