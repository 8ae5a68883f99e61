"""The collector: what no file needs goes, what a file needs stays, and it says what it did."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from files.chunkstore.backends.local import MARKER
from files.chunkstore.registry import nodes
from files.content import collect as collector
from files.content.collect import Collected, collect
from files.models import Chunk, Extent, Replica, Upload
from files.tasks import expire_uploads
from tests.world import sha256

OLD = timedelta(days=1)


def run(*arguments):
    out = StringIO()
    call_command("collect_garbage", *arguments, stdout=out)
    return out.getvalue()


def removed_for_good(person, name, data):
    file = person.upload(name, data)["file"]["id"]
    person.delete(f"/api/files/{file}")
    assert person.delete(f"/api/trash/{file}").status_code == 204


def objects():
    return {stored.key for stored in nodes()["main"].backend.list()}


def put_object(key):
    writer = nodes()["main"].backend.writer(key, size=1, sha256=None)
    writer.write(b"x")
    writer.commit()


def test_chunks_of_removed_files_go_with_their_objects(world):
    removed_for_good(world.alice, "gone", b"gone")

    assert collect() == Collected(chunks=1, bytes=4)
    assert not Chunk.objects.exists()
    assert not Replica.objects.exists()
    assert objects() == set()


def test_chunks_that_another_file_shares_stay(shared_world):
    alice = shared_world.alice
    kept = alice.upload("kept", b"shared")["file"]["id"]
    removed_for_good(alice, "gone", b"shared")

    assert collect() == Collected()
    assert alice.download(kept) == b"shared"


def test_trashed_files_and_old_versions_keep_their_chunks(world):
    alice = world.alice
    alice.upload("file", b"first")
    file = alice.upload("file", b"second")["file"]["id"]
    alice.delete(f"/api/files/{file}")

    assert collect() == Collected()
    assert len(objects()) == 2


def test_an_open_upload_keeps_its_chunks_until_it_ends(world):
    alice = world.alice
    registered = alice.register("file", b"data").json()
    alice.send_all(registered, b"data")
    before = collect()

    alice.delete(f"/api/upload/{registered['upload_id']}")

    assert before == Collected()
    assert collect() == Collected(chunks=1, bytes=4)
    assert objects() == set()


def test_an_upload_that_was_abandoned_leaves_nothing_once_it_has_expired(world):
    alice = world.alice
    alice.send_all(alice.register("file", b"data").json(), b"data")
    Upload.objects.update(expires_at=timezone.now() - OLD)

    expire_uploads.call_local()
    collect()

    assert not Chunk.objects.exists()
    assert not Extent.objects.exists()
    assert objects() == set()
    assert alice.space.reserved_bytes == 0


@pytest.mark.parametrize("state", ["condemned", "doomed"])
def test_what_a_dead_collector_left_is_finished(world, state):
    removed_for_good(world.alice, "gone", b"gone")
    Chunk.objects.update(state=state)

    assert collect().chunks == 1
    assert objects() == set()


def test_what_a_dead_collector_left_condemned_and_a_file_needs_is_put_back(world):
    world.alice.upload("kept", b"kept")
    Chunk.objects.update(state=Chunk.State.CONDEMNED)

    assert collect() == Collected()
    assert Chunk.objects.get().state == Chunk.State.LIVE
    assert len(objects()) == 1


def test_a_chunk_not_yet_proven_is_put_back_as_such(world):
    world.alice.register("file", b"data")
    Chunk.objects.update(state=Chunk.State.CONDEMNED)

    collect()

    assert Chunk.objects.get().state == Chunk.State.PENDING


def test_an_unreachable_node_keeps_the_rows_for_the_next_time(world):
    removed_for_good(world.alice, "gone", b"gone")
    marker = nodes()["main"].config.place / MARKER
    content = marker.read_bytes()
    marker.unlink()
    meanwhile = collect()
    marker.write_bytes(content)

    assert meanwhile == Collected()
    assert Chunk.objects.get().state == Chunk.State.DOOMED
    assert collect().chunks == 1
    assert objects() == set()


def test_an_object_without_a_row_goes_once_no_address_can_make_it_anymore(world, settings):
    put_object("a" * 32)
    young = collect()

    settings.UPLOAD_URL_SECONDS = -2 * 3600

    assert young.strays == 0
    assert collect().strays == 1
    assert objects() == set()


def test_an_old_object_with_a_row_is_no_stray(world, settings):
    world.alice.upload("kept", b"kept")
    settings.UPLOAD_URL_SECONDS = -2 * 3600

    assert collect() == Collected()
    assert len(objects()) == 1


def test_more_chunks_than_a_page_all_go(world, monkeypatch):
    monkeypatch.setattr("files.content.collect.PAGE", 3)
    for number in range(10):
        removed_for_good(world.alice, f"gone {number}", b"%d" % number)

    assert collect().chunks == 10
    assert objects() == set()


def test_the_command_tells_chunks_and_bytes(world):
    removed_for_good(world.alice, "gone", b"gone")

    assert run() == "deleted 1 chunks, 4 bytes\n"
    assert run() == "deleted 0 chunks, 0 bytes\n"


def test_a_dry_run_counts_the_same_and_changes_nothing(world):
    world.alice.upload("kept", b"kept")
    removed_for_good(world.alice, "gone", b"gone")
    Chunk.objects.filter(sha256=sha256(b"kept")).update(state=Chunk.State.CONDEMNED)

    assert run("--dry-run") == "would have deleted 1 chunks, 4 bytes\n"
    assert len(objects()) == 2
    assert Chunk.objects.get(sha256=sha256(b"kept")).state == Chunk.State.CONDEMNED
    assert run() == "deleted 1 chunks, 4 bytes\n"


def test_a_collector_that_was_overtaken_decides_nothing(world, monkeypatch):
    """Between its question and its decision the chunk was put back, and claimed by another one."""
    removed_for_good(world.alice, "gone", b"gone")
    ask = collector._referenced
    other = uuid4()
    claimed = []

    def be_overtaken(chunk_ids):
        answer = ask(chunk_ids)
        mine = Chunk.objects.filter(state=Chunk.State.CONDEMNED)
        claimed.append(mine.update(token=other))
        return answer

    monkeypatch.setattr(collector, "_referenced", be_overtaken)

    assert collect() == Collected()
    assert 1 in claimed
    assert Chunk.objects.get().token == other
    assert len(objects()) == 1
