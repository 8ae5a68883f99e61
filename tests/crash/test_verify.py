"""`manage.py verify`: every kind of damage is found and named; what is whole is clean."""

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from files.chunkstore.backends.local import MARKER
from files.chunkstore.registry import nodes
from files.content.verify import verify
from files.models import Change, Chunk, Entry, Extent, JournalHead, Replica, Space, Upload, Version
from tests.engines.undo import ON_MONGODB, without_constraint
from tests.world import sha256

DATA = b"what the thesis says"


@pytest.fixture
def alice(world):
    """With one file in a folder, /papers/thesis.pdf, in two versions."""
    folder = world.alice.folder("papers")
    world.alice.upload("thesis.pdf", b"a first draft", parent=folder)
    world.alice.upload("thesis.pdf", DATA, parent=folder)
    return world.alice


@pytest.fixture
def chunk(alice):
    """The chunk of the current version."""
    return Chunk.objects.get(sha256=sha256(DATA))


@pytest.fixture
def file(alice):
    return Entry.objects.get(name="thesis.pdf")


@pytest.fixture
def without_foreign_keys(db):
    """Rows may go missing that others refer to, as after a bad restore."""
    yield
    if not ON_MONGODB:
        transaction.set_rollback(rollback=True)  # or the end of the test would complain of them


def object_file(chunk):
    [found] = nodes()["main"].config.place.rglob(f"{chunk.key}*")
    return found


def damage(**options):
    return [finding.text for finding in verify(**options) if finding.is_damage]


def leftovers():
    return [finding.text for finding in verify() if not finding.is_damage]


def run(*arguments):
    """(exit code, output) of the command."""
    out = StringIO()
    try:
        call_command("verify", *arguments, stdout=out, stderr=out)
    except SystemExit as stopped:
        return stopped.code, out.getvalue()
    return 0, out.getvalue()


# -- the command ----------------------------------------------------------------------------------


def test_a_whole_installation_is_clean(alice):
    assert run() == (0, "0 damaged, 0 left over\n")
    assert run("--deep") == (0, "0 damaged, 0 left over\n")


def test_damage_is_exit_code_1_and_names_the_file(alice, chunk):
    object_file(chunk).unlink()

    code, output = run()

    assert code == 1
    assert output.startswith("damage: alice:/papers/thesis.pdf (version 2")
    assert output.endswith("1 damaged, 0 left over\n")


def test_leftovers_are_told_and_are_no_damage(alice):
    Chunk.objects.create(sha256="0" * 64, size=1, node="main")

    code, output = run()

    assert code == 0
    assert output == "leftover: 1 chunks are needed by nothing.\n0 damaged, 1 left over\n"


def test_an_unmounted_node_is_no_damage_but_no_answer_either(alice):
    (nodes()["main"].config.place / MARKER).unlink()

    code, output = run()

    assert code == 2
    assert "main" in output
    assert "damage:" not in output


# -- chunks ---------------------------------------------------------------------------------------


def test_an_object_that_is_missing(chunk):
    nodes()["main"].backend.delete(chunk.key)

    assert f"chunk {chunk.key} is missing on main" in damage()[0]


def test_an_object_that_was_cut_short(chunk):
    with object_file(chunk).open("r+b") as handle:
        handle.truncate(250)

    assert "bytes on main instead of 20" in damage()[0]


def test_an_object_with_a_flipped_bit_is_found_by_reading_it(chunk):
    file = object_file(chunk)
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)

    assert damage() == []
    assert f"chunk {chunk.key} is damaged on main" in damage(deep=True)[0]


def test_an_object_with_other_content(chunk):
    Chunk.objects.filter(id=chunk.id).update(sha256="0" * 64)
    Extent.objects.filter(chunk=chunk).update(sha256="0" * 64)

    assert any("other content" in text for text in damage(deep=True))


def test_a_live_chunk_without_a_copy(chunk):
    Replica.objects.filter(chunk=chunk).delete()

    assert "is said to be stored, but nowhere" in damage()[0]


@pytest.mark.parametrize("state", ["pending", "doomed"])
def test_a_chunk_that_a_file_needs_and_the_collector_may_take(chunk, state):
    Chunk.objects.filter(id=chunk.id).update(state=state)

    assert f"chunk 0 is {state}, though a file needs it" in damage()[0]


def test_a_chunk_whose_row_is_missing(chunk, without_foreign_keys):
    Extent.objects.filter(chunk=chunk).update(chunk_id=uuid4())

    assert any("the row of chunk 0 is missing" in text for text in damage())


def test_many_files_of_one_chunk_are_named_and_counted(alice, chunk):
    for number in range(25):
        alice.upload(f"copy {number}", DATA)
    object_file(chunk).unlink()

    [text] = damage()

    assert "alice:/papers/thesis.pdf" in text
    assert "and 6 more" in text


def test_an_object_without_a_row_is_left_over(chunk):
    writer = nodes()["main"].backend.writer("f" * 32, size=1, sha256=None)
    writer.write(b"x")
    writer.commit()

    assert leftovers() == [f"The object {'f' * 32} on main belongs to nothing."]


# -- versions -------------------------------------------------------------------------------------


def test_an_index_that_is_missing(chunk):
    Extent.objects.filter(chunk=chunk).update(index=1)

    assert "chunk 0 of the list is missing" in damage()[0]


def test_a_list_that_is_too_short(chunk):
    Extent.objects.filter(chunk=chunk).delete()

    assert any("it has 0 chunks, and 20 bytes need another number" in t for t in damage())


def test_a_length_that_is_wrong(chunk):
    Extent.objects.filter(chunk=chunk).update(length=19)

    assert "chunk 0 has a wrong length in the list" in damage()[0]


def test_an_extent_beyond_the_end_of_its_chunk(chunk):
    Extent.objects.filter(chunk=chunk).update(offset=1)

    assert "chunk 0 is shorter than what the file needs of it" in damage()[0]


def test_a_content_hash_that_is_wrong(file):
    Version.objects.filter(id=file.current_version_id).update(content_hash="0" * 64)

    assert any("its content hash is not that of its chunks" in text for text in damage())


def test_an_extent_that_names_another_hash_than_its_chunk(chunk):
    Extent.objects.filter(chunk=chunk).update(sha256="1" * 64)

    assert any("another SHA-256 than the list says" in text for text in damage())


def test_a_version_of_no_file(file):
    Version.objects.filter(entry=file, number=1).update(entry=None)

    assert "it belongs to no file" in damage()[0]


# -- the tree -------------------------------------------------------------------------------------


def test_a_file_whose_current_version_is_missing(file, without_foreign_keys):
    Entry.objects.filter(id=file.id).update(current_version_id=uuid4())

    assert damage() == ["alice:/papers/thesis.pdf has no current version."]


def test_a_file_with_the_version_of_another_one(alice, file):
    other = alice.upload("other.pdf", DATA)["version"]["id"]
    Entry.objects.filter(id=file.id).update(current_version=other)

    assert "has a current version that is not one of its own" in damage()[0]


def test_a_file_that_repeats_a_wrong_size(file):
    Entry.objects.filter(id=file.id).update(size=1)

    assert "repeats another size" in damage()[0]


def test_an_entry_whose_folder_is_missing(file, without_foreign_keys):
    Entry.objects.filter(id=file.id).update(parent_id=uuid4())

    assert "lies in a folder that is missing" in damage()[0]


def test_an_entry_in_no_folder(file):
    Entry.objects.filter(id=file.id).update(parent=None)

    assert "lies in no folder" in damage()[0]


def test_an_entry_in_a_file(alice, file):
    other = alice.upload("other.pdf", DATA)["file"]["id"]
    Entry.objects.filter(id=other).update(parent=file)

    assert "lies in something that is no folder" in damage()[0]


def test_a_wrong_path(alice):
    Entry.objects.filter(name="papers").update(path="/somewhere/else/")

    assert "papers has a wrong path." in damage()[0]


def test_two_live_entries_of_one_name(alice, file):
    alice.upload("other.pdf", DATA, parent=str(file.parent_id))
    with without_constraint(Entry, "entry_name_unique_while_live"):
        Entry.objects.filter(name="other.pdf").update(name_key="thesis.pdf")

        assert any("shares its name with 1 more in its folder" in text for text in damage())


# -- spaces ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["used_bytes", "stored_bytes", "reserved_bytes"])
def test_a_counter_that_drifted(alice, column):
    Space.objects.update(**{column: 12345})

    assert damage()[0].startswith("The space alice counts 12345 bytes as ")


def test_a_top_folder_that_is_missing(alice):
    Space.objects.update(root=uuid4())

    assert "The space alice has no top folder." in damage()


def test_a_gap_in_the_journal(alice):
    Change.objects.filter(seq=2).delete()

    assert "has gaps in its journal" in damage()[0]


def test_a_journal_that_lost_its_last_line(alice):
    JournalHead.objects.update(seq=99)

    assert "has gaps in its journal" in damage()[0]


def test_a_space_that_is_half_removed(alice):
    Space.objects.update(live=False)

    assert leftovers() == ["1 spaces are half removed."]
    assert damage() == []


def test_a_name_that_no_search_finds(file):
    Entry.objects.filter(id=file.id).update(search_key="something else")

    assert any("can't be found by its name" in text for text in damage())


# -- leftovers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["condemned", "doomed"])
def test_chunks_that_a_collector_did_not_finish(alice, state):
    Chunk.objects.create(sha256="0" * 64, size=1, node="main", state=state)

    assert damage() == []
    assert any(state in text for text in leftovers())


def test_an_upload_that_ended_and_still_holds_its_chunks(alice):
    alice.register("more", b"more")
    Upload.objects.filter(name="more").update(state="expired", reserved_bytes=0)
    Space.objects.update(reserved_bytes=0)

    assert leftovers() == ["1 uploads ended and still hold chunks."]
    assert damage() == []


def test_an_entry_that_is_half_removed(alice, file):
    Entry.objects.filter(id=file.id).update(live=False, purged_at=timezone.now())

    assert leftovers() == ["1 entries are half removed."]


def test_an_upload_in_progress_is_nothing_to_tell(alice):
    alice.register("more", b"more")

    assert list(verify(deep=True)) == []
