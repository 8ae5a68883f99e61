"""Real threads on the real database: what two people do at once comes out as if one was first.

The second half stops a request at a chosen place and lets another one through.
"""

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from files.actions import packs, spaces, trash, tree, uploads
from files.chunkstore.chunk import CHUNK_SIZE
from files.chunkstore.registry import nodes
from files.content import writer
from files.content.collect import collect
from files.content.verify import verify
from files.content.writer import ChunkSpec
from files.models import Change, Chunk, Entry, Space, Upload, Version
from rapidserve.errors import Gone, NotFound, RapidServeError
from tests.world import chunks_of, sha256, specs_of

RACE_SECONDS = float(os.environ.get("RS_RACE_SECONDS", "4"))


def at_once(*calls):
    """Every call on a thread of its own, all released together; what each returned or raised."""
    gate = threading.Barrier(len(calls))

    def run(call):
        try:
            gate.wait()
            return call()
        except RapidServeError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def announced(person, name, data, **fields):
    specs = [ChunkSpec(spec["sha256"], spec["size"]) for spec in specs_of(data)]
    announcement = uploads.Announcement(person.space.root, name, len(data), specs, **fields)
    return uploads.register(actor=person.actor, announcement=announcement)[0]


def send(upload, data):
    """Straight to the node: the plane has tests of its own, and its client knows one thread."""
    for slot in writer.slots(upload, 0, 1000):
        if not slot.have:
            incoming = nodes()[slot.node].backend.writer(
                slot.key, size=slot.size, sha256=slot.sha256
            )
            incoming.write(chunks_of(data)[slot.index])
            incoming.commit()


def sent(person, name, data, **fields):
    upload = announced(person, name, data, **fields)
    send(upload, data)
    return upload


def complete(person, upload):
    return uploads.complete(actor=person.actor, upload_id=upload.id)


def once_followed(monkeypatch, name, act):
    """The next call of `uploads.NAME` is followed by `act`, before whoever called it goes on."""
    function = getattr(uploads, name)

    def followed(*arguments):
        monkeypatch.setattr(uploads, name, function)
        found = function(*arguments)
        act()
        return found

    monkeypatch.setattr(uploads, name, followed)


def damage():
    return [finding.text for finding in verify(deep=True) if finding.is_damage]


class TestTwoUploadsForOneName:
    def race(self, person, on_conflict):
        """Two uploads of one name, both sent, completed at the same moment."""
        contents = [b"the first", b"a second one"]
        ready = [sent(person, "one", data, on_conflict=on_conflict) for data in contents]
        answers = at_once(*(lambda upload=upload: complete(person, upload) for upload in ready))
        return contents, answers

    def test_version_keeps_both_as_versions_of_one_file(self, shared_world):
        alice = shared_world.alice

        contents, answers = self.race(alice, "version")

        [file] = {done.file.id for done in answers}
        assert sorted(done.version.number for done in answers) == [1, 2]
        for done, data in zip(answers, contents, strict=True):
            assert alice.download(str(file), version=str(done.version.id)) == data

    def test_rename_keeps_both_as_files(self, shared_world):
        alice = shared_world.alice

        contents, answers = self.race(alice, "rename")

        assert sorted(alice.names()) == ["one", "one (1)"]
        for done, data in zip(answers, contents, strict=True):
            assert alice.download(str(done.file.id)) == data

    def test_fail_lets_one_through_and_tells_the_other(self, shared_world):
        alice = shared_world.alice

        _, answers = self.race(alice, "fail")

        codes = [getattr(answer, "code", "done") for answer in answers]
        assert sorted(codes) == ["done", "name_taken"]
        assert alice.names() == ["one"]

    def test_of_two_changes_to_the_same_version_the_second_is_stale(self, shared_world):
        alice = shared_world.alice
        version = complete(alice, sent(alice, "one", b"base")).version
        ready = [sent(alice, "one", data, if_match=version.id) for data in (b"mine", b"theirs")]

        answers = at_once(*(lambda upload=upload: complete(alice, upload) for upload in ready))

        assert sorted(getattr(answer, "code", "done") for answer in answers) == ["done", "stale"]
        assert Version.objects.filter(state="committed").count() == 2


def test_twenty_completes_of_one_upload_make_one_version_and_answer_alike(shared_world):
    alice = shared_world.alice
    data = os.urandom(CHUNK_SIZE + 1)
    upload = sent(alice, "thesis.pdf", data)

    answers = at_once(*[lambda: complete(alice, upload)] * 20)

    assert {(done.file.id, done.version.id) for done in answers} == {
        (upload.entry_id, upload.version_id)
    }
    assert len({tuple(done.stats.items()) for done in answers}) == 1
    assert Version.objects.count() == 1
    assert Change.objects.count() == 1
    assert alice.download(str(upload.entry_id)) == data


def test_one_file_registered_many_times_at_once_is_one_upload(shared_world):
    alice = shared_world.alice

    answers = at_once(*[lambda: announced(alice, "thesis.pdf", b"data")] * 12)

    assert len({upload.id for upload in answers}) == 1
    assert Space.objects.get(id=alice.space.id).reserved_bytes == 4


def test_registers_that_race_for_the_last_bytes_get_exactly_what_there_is(shared_world):
    alice = shared_world.alice
    Space.objects.filter(id=alice.space.id).update(quota_bytes=7 * 1000 + 999)

    def register(number):
        return lambda: announced(alice, f"file-{number}", b"x" * 1000)

    answers = at_once(*(register(number) for number in range(200)))

    codes = [getattr(answer, "code", "registered") for answer in answers]
    assert codes.count("registered") == 7
    assert codes.count("quota_exceeded") == 193
    assert alice.space.reserved_bytes == 7000


def test_trashing_restoring_and_moving_at_once_leave_one_consistent_tree(shared_world):
    alice = shared_world.alice
    folders = [alice.folder(name) for name in ("a", "b")]
    files = [alice.upload(f"{n}", b"data", parent=folders[0])["file"]["id"] for n in range(3)]

    def change_things(seed):
        def run():
            dice = random.Random(seed)
            for _ in range(15):
                entry = dice.choice([*files, folders[0]])
                to = {"parent": dice.choice([*folders, alice.root])}
                method, path, body = dice.choice(
                    [
                        ("DELETE", f"/api/files/{entry}", None),
                        ("POST", f"/api/trash/{entry}/restore", None),
                        ("PATCH", f"/api/files/{entry}", to),
                    ]
                )
                alice.call(method, path, body)

        return run

    at_once(*(change_things(seed) for seed in range(4)))

    assert damage() == []
    assert Entry.objects.filter(id__in=files, current_version__state="committed").count() == 3


def test_uploads_of_the_same_bytes_survive_collectors_that_never_stop(shared_world):
    """Few contents, always created (alone or packed), shared, removed and collected again."""
    people = [shared_world.alice, shared_world.bob]
    contents = [os.urandom(2000) for _ in range(3)]
    end = time.monotonic() + RACE_SECONDS
    done = []

    def uploader(number):
        def run():
            dice = random.Random(number)
            person = people[number % 2]
            while time.monotonic() < end:
                data = dice.choice(contents)
                name = f"file-{number}-{dice.random()}"
                if dice.random() < 0.3:
                    files = packed(person, name, [data, *contents])
                else:
                    files = [(uploaded(person, name, data).file.id, data)]
                for file_id, content in files:
                    if dice.random() < 0.6:
                        trash.trash(actor=person.actor, entry_id=file_id)
                        trash.remove(actor=person.actor, entry_id=file_id)
                    else:
                        done.append((person, file_id, content))

        return run

    def collector():
        while time.monotonic() < end:
            collect()

    errors = at_once(*(uploader(number) for number in range(8)), collector, collector)

    assert errors == [None] * 10
    assert done
    assert damage() == []
    shared_world.epochs.refresh()  # the race took longer than the plane believes old news
    for person, file, data in done:
        assert person.download(str(file)) == data
    collect()
    assert Chunk.objects.count() == len(list(nodes()["main"].backend.list()))


def uploaded(person, name, data):
    """As a client does it: what is missing at the end is sent again."""
    upload = sent(person, name, data)
    for _ in range(20):
        try:
            return complete(person, upload)
        except RapidServeError as error:
            if error.code != "chunks_missing":
                raise
            send(upload, data)
    raise AssertionError("completing never succeeds")


def packed(person, name, contents):
    """(id, bytes) of the files of one pack."""
    described = [
        packs.PackedFile(f"{name}-{number}", len(data), sha256(data))
        for number, data in enumerate(contents)
    ]
    made = packs.store_pack(
        actor=person.actor,
        parent_id=person.space.root,
        files=described,
        data=memoryview(b"".join(contents)),
    )
    return [(entry.id, data) for entry, data in zip(made, contents, strict=True)]


def test_packs_that_race_for_one_folder_share_it(shared_world):
    alice = shared_world.alice

    def send_pack(number):
        def run():
            file = packs.PackedFile(f"{number}", 1, sha256(b"x"), path="same/folder")
            return packs.store_pack(
                actor=alice.actor,
                parent_id=alice.space.root,
                files=[file],
                data=memoryview(b"x"),
            )

        return run

    answers = at_once(*(send_pack(number) for number in range(6)))

    assert len({entry.parent_id for [entry] in answers}) == 1
    assert alice.names() == ["same"]
    assert alice.names(str(answers[0][0].parent_id)) == [str(number) for number in range(6)]
    assert damage() == []


def test_packs_that_race_for_the_last_bytes_get_exactly_what_there_is(shared_world):
    alice = shared_world.alice
    Space.objects.filter(id=alice.space.id).update(quota_bytes=40)

    def send_pack(number):
        return lambda: packed(alice, f"{number}", [bytes(10)])

    answers = at_once(*(send_pack(number) for number in range(10)))

    refusals = [answer for answer in answers if isinstance(answer, RapidServeError)]
    assert [error.code for error in refusals] == ["quota_exceeded"] * 6
    space = Space.objects.get(id=alice.space.id)
    assert (space.used_bytes, space.reserved_bytes) == (40, 0)


# -- one request stopped in the middle, another one let through -----------------------------------


def test_a_chunk_registered_while_the_others_are_proven_is_not_taken_for_proven(world, monkeypatch):
    alice, data = world.alice, os.urandom(CHUNK_SIZE + 1)
    first, last = specs_of(data)
    answer = alice.post(
        "/api/upload/chunk/register",
        {"parent": alice.root, "name": "late", "size": len(data), "chunks": [first]},
    ).json()
    alice.send_all(answer, data)
    prove_all = uploads.prove_all

    def prove_and_then_register(upload):
        missing = prove_all(upload)
        alice.post(f"/api/upload/{upload.id}/chunks", {"start": 1, "chunks": [last]})
        return missing

    monkeypatch.setattr(uploads, "prove_all", prove_and_then_register)
    done = alice.complete(answer["upload_id"])

    assert done.status_code == 409
    assert done.json()["error"]["indexes"] == [1]


def test_the_slower_of_two_completes_answers_like_the_faster(world, monkeypatch):
    alice = world.alice
    upload = sent(alice, "one", b"data")
    prove_all = uploads.prove_all

    def let_another_one_through(upload):
        monkeypatch.setattr(uploads, "prove_all", prove_all)
        complete(alice, upload)
        return prove_all(upload)

    monkeypatch.setattr(uploads, "prove_all", let_another_one_through)
    slower = complete(alice, upload)

    assert slower.version.id == upload.version_id
    assert Version.objects.count() == 1


def test_an_upload_that_is_cancelled_after_the_first_look_is_gone_and_lacks_nothing(
    world, monkeypatch
):
    alice = world.alice
    upload = sent(alice, "one", b"data")
    once_followed(
        monkeypatch,
        "upload_for",
        lambda: uploads.cancel(actor=alice.actor, upload_id=upload.id),
    )

    with pytest.raises(Gone, match="cancelled"):
        complete(alice, upload)


def test_an_upload_completed_between_the_two_looks_of_a_slower_complete(world, monkeypatch):
    alice = world.alice
    upload = sent(alice, "one", b"data")
    once_followed(monkeypatch, "upload_for", lambda: complete(alice, upload))

    assert complete(alice, upload).version.id == upload.version_id


def test_a_chunk_condemned_again_while_it_is_put_back_keeps_its_bytes(world, monkeypatch):
    """Two collectors, one after the other, on a chunk that another request has seen live."""
    alice = world.alice
    upload = sent(alice, "one", b"data")
    assert writer.prove_all(upload) == []
    proven = Chunk.objects.get()
    put_back = writer.revive

    def condemn():
        Chunk.objects.update(state=Chunk.State.CONDEMNED, token=upload.id)

    def put_back_in_vain(chunk_ids):
        put_back(chunk_ids)
        monkeypatch.setattr(writer, "revive", put_back)
        condemn()

    condemn()
    monkeypatch.setattr(writer, "revive", put_back_in_vain)
    slots = writer.slots(upload, 0, 10)

    assert [(slot.have, slot.key) for slot in slots] == [(True, proven.key)]


def test_a_live_chunk_whose_object_was_lost_is_not_adopted(shared_world):
    alice, bob = shared_world.alice, shared_world.bob
    alice.upload("one", b"data")
    nodes()["main"].backend.delete(Chunk.objects.get().key)

    done = bob.upload("two", b"data")

    assert bob.download(done["file"]["id"]) == b"data"


def test_a_file_whose_chunk_was_lost_is_asked_for_and_whole_again(shared_world):
    alice = shared_world.alice
    alice.upload("one", b"data")
    nodes()["main"].backend.delete(Chunk.objects.get().key)

    done = alice.upload("one", b"data")

    assert done["stats"]["uploaded_bytes"] == 4
    assert alice.download(done["file"]["id"]) == b"data"


def test_something_taken_out_of_the_trash_just_before_it_is_emptied_stays(world, monkeypatch):
    alice = world.alice
    files = [alice.upload(name, b"data")["file"]["id"] for name in ("one", "two")]
    for file in files:
        alice.delete(f"/api/files/{file}")
    Entry.objects.filter(id__in=files).update(trashed_at=timezone.now() - timedelta(days=31))
    purge = trash.purge

    def take_out_first(entry, *, actor_id):
        monkeypatch.setattr(trash, "purge", purge)
        trash.restore(actor=alice.actor, entry_id=entry.id)
        purge(entry, actor_id=actor_id)

    monkeypatch.setattr(trash, "purge", take_out_first)
    trash.purge_expired()

    assert len(alice.names()) == 1
    assert Entry.objects.filter(id__in=files).count() == 1


def test_an_upload_cancelled_while_its_slots_are_listed_is_no_error(world, monkeypatch):
    alice = world.alice
    upload = announced(alice, "one", b"data")
    first_indexes = writer._first_indexes

    def cancel_first(upload, chunk_ids):
        uploads.cancel(actor=alice.actor, upload_id=upload.id)
        return first_indexes(upload, chunk_ids)

    monkeypatch.setattr(writer, "_first_indexes", cancel_first)

    assert [slot.sha256 for slot in writer.slots(upload, 0, 10)] == [sha256(b"data")]


def test_what_lies_in_a_folder_that_is_being_removed_can_not_be_taken_out(world, monkeypatch):
    alice = world.alice
    outer = alice.folder("outer")
    inner = alice.folder("inner", parent=outer)
    alice.upload("a", b"a", parent=inner)
    alice.upload("b", b"b", parent=inner)
    alice.delete(f"/api/files/{inner}")
    alice.delete(f"/api/files/{outer}")
    delete_file = trash._delete_file

    def restore_in_between(file):
        delete_file(file)
        with pytest.raises(NotFound):
            trash.restore(actor=alice.actor, entry_id=inner)

    monkeypatch.setattr(trash, "_delete_file", restore_in_between)
    assert alice.delete(f"/api/trash/{outer}").status_code == 204

    assert Entry.objects.exclude(parent=None).count() == 0
    assert alice.space.used_bytes == 0


def test_a_removal_that_was_rolled_back_and_run_again_still_removes(world, monkeypatch):
    alice = world.alice
    file = alice.upload("one", b"data")["file"]["id"]
    alice.delete(f"/api/files/{file}")
    run_atomic = trash.run_atomic

    def twice(function):
        with pytest.raises(ZeroDivisionError):
            run_atomic(lambda: (function(), 1 / 0))
        return run_atomic(function)

    monkeypatch.setattr(trash, "run_atomic", twice)

    assert alice.delete(f"/api/trash/{file}").status_code == 204
    assert alice.space.used_bytes == 0


def test_an_expired_upload_can_not_be_completed(world):
    alice = world.alice
    upload = sent(alice, "one", b"data")
    Upload.objects.update(expires_at=timezone.now())

    with pytest.raises(RapidServeError) as refused:
        complete(alice, upload)

    assert refused.value.code == "upload_gone"


class TestASpaceIsDeleted:
    @pytest.fixture
    def team(self, shared_world):
        return spaces.create_team_space(actor=shared_world.alice.actor, name="Team")

    def delete(self, person, team):
        return spaces.delete_space(actor=person.actor, space_id=team.id)

    def ready(self, person, team):
        """An upload into the space that only has to be completed."""
        data = b"bytes"
        specs = [ChunkSpec(spec["sha256"], spec["size"]) for spec in specs_of(data)]
        announcement = uploads.Announcement(team.root, "a.bin", len(data), specs)
        upload = uploads.register(actor=person.actor, announcement=announcement)[0]
        send(upload, data)
        return upload

    def test_twice_at_once_once(self, shared_world, team):
        alice = shared_world.alice

        answers = at_once(*[lambda: self.delete(alice, team)] * 4)

        assert answers.count(None) == 1
        assert sum(isinstance(answer, NotFound) for answer in answers) == 3
        assert not Space.objects.filter(id=team.id).exists()
        assert list(verify()) == []

    @pytest.mark.parametrize("_attempt", range(5))
    def test_while_a_file_is_completed_one_of_the_two_wins(self, shared_world, team, _attempt):
        alice = shared_world.alice
        upload = self.ready(alice, team)

        completed, deleted = at_once(
            lambda: complete(alice, upload), lambda: self.delete(alice, team)
        )

        if isinstance(completed, RapidServeError):
            assert deleted is None
            assert completed.code in {"parent_gone", "upload_gone", "not_found"}
            assert not Space.objects.filter(id=team.id).exists()
        else:
            assert deleted.code == "space_not_empty"
            assert alice.download(str(completed.file.id)) == b"bytes"
        assert damage() == []

    def test_between_the_proof_and_the_commit_of_a_file(self, shared_world, team, monkeypatch):
        alice = shared_world.alice
        upload = self.ready(alice, team)
        commit = uploads._commit

        def delete_first(*arguments):
            monkeypatch.setattr(uploads, "_commit", commit)
            self.delete(alice, team)
            return commit(*arguments)

        monkeypatch.setattr(uploads, "_commit", delete_first)

        with pytest.raises(RapidServeError) as refusal:
            complete(alice, upload)

        assert refusal.value.code == "not_found"
        collect()
        assert list(verify()) == []

    def test_while_a_folder_is_made_in_it(self, shared_world, team):
        alice = shared_world.alice

        made, deleted = at_once(
            lambda: tree.create_folder(actor=alice.actor, parent_id=team.root, name="folder"),
            lambda: self.delete(alice, team),
        )

        assert isinstance(made, NotFound) != isinstance(deleted, RapidServeError)
        assert list(verify()) == []

    def test_two_are_made_with_one_name_at_once(self, shared_world):
        alice = shared_world.alice

        answers = at_once(*[lambda: spaces.create_team_space(actor=alice.actor, name="Same")] * 4)

        codes = [getattr(answer, "code", "made") for answer in answers]
        assert sorted(codes) == ["made", "name_taken", "name_taken", "name_taken"]


class TestWhatASpaceStores:
    def test_stays_right_when_equal_files_come_and_go_at_once(self, shared_world):
        alice = shared_world.alice
        data = bytes(CHUNK_SIZE) + b"end"
        ready = [sent(alice, f"{n}.bin", data) for n in range(6)]

        at_once(*(lambda upload=upload: complete(alice, upload) for upload in ready))

        assert Space.objects.get(id=alice.space.id).stored_bytes >= CHUNK_SIZE + 3
        assert damage() == []  # counted again there
        files = [entry.id for entry in Entry.objects.filter(type="file")]
        for file in files:
            trash.trash(actor=alice.actor, entry_id=file)
        at_once(
            *(lambda file=file: trash.remove(actor=alice.actor, entry_id=file) for file in files)
        )
        assert Space.objects.get(id=alice.space.id).stored_bytes == 0
        assert damage() == []
