"""POST /api/upload/chunk/register: what a client announces and what it is told to do."""

import datetime as dt

import pytest

from accounts.actions import make_token
from files.chunkstore.chunk import CHUNK_SIZE
from tests.files.api.answers import answered, refused
from tests.world import Person, sha256

A = b"a" * CHUNK_SIZE
B = b"b" * CHUNK_SIZE
END = b"the end"


def moment(text: str) -> dt.datetime:
    assert text.endswith("Z")
    return dt.datetime.fromisoformat(text)


def test_the_answer_has_exactly_the_fields_of_the_protocol(world):
    before = dt.datetime.now(dt.UTC)

    body = answered(world.alice.register("a.bin", A + END), 201)

    assert set(body) == {"upload_id", "file_id", "chunk_size", "size", "expires_at", "chunks"}
    assert body["chunk_size"] == 4_194_304
    assert body["size"] == len(A + END)
    assert moment(body["expires_at"]) - before > dt.timedelta(days=6, hours=23)
    assert moment(body["expires_at"]) - before < dt.timedelta(days=7, hours=1)
    assert [chunk["index"] for chunk in body["chunks"]] == [0, 1]
    for chunk, data in zip(body["chunks"], [A, END], strict=True):
        assert set(chunk) == {
            *("index", "sha256", "size", "state", "method", "url", "headers", "expires_at")
        }
        assert chunk["sha256"] == sha256(data)
        assert chunk["size"] == len(data)
        assert (chunk["state"], chunk["method"]) == ("upload", "PUT")
        assert chunk["url"].startswith("http://testserver/d/upload/")
        assert chunk["headers"] == {}
    assert body["chunks"][0]["url"] != body["chunks"][1]["url"]


def test_an_address_lives_as_long_as_the_settings_say(world, settings):
    settings.UPLOAD_URL_SECONDS = 1234
    before = dt.datetime.now(dt.UTC)

    chunk = answered(world.alice.register("a.bin", END), 201)["chunks"][0]

    lives = moment(chunk["expires_at"]) - before
    assert abs(lives - dt.timedelta(seconds=1234)) < dt.timedelta(seconds=5)


def test_what_need_not_be_sent_has_no_address(world):
    world.alice.upload("first.bin", END)

    chunk = answered(world.alice.register("second.bin", END), 201)["chunks"][0]

    assert chunk == {
        "index": 0,
        "sha256": sha256(END),
        "size": len(END),
        "state": "have",
        "method": None,
        "url": None,
        "headers": None,
        "expires_at": None,
    }


def test_an_empty_file_needs_no_chunks(world):
    registered = answered(world.alice.register("empty", b""), 201)

    done = answered(world.alice.complete(registered["upload_id"]))

    assert registered["chunks"] == []
    assert done["file"]["size"] == 0
    assert done["file"]["id"] == registered["file_id"]


def test_a_new_file_keeps_the_id_that_was_reserved_for_it(world):
    registered = answered(world.alice.register("a.txt", END), 201)
    refused(world.alice.get(f"/api/files/{registered['file_id']}"), 404, "not_found")

    done = world.alice.upload("a.txt", END)

    assert done["file"]["id"] == registered["file_id"]


def test_the_name_is_kept_in_nfc(world):
    assert world.alice.upload("Ame\u0301lie.txt", b"")["file"]["name"] == "Amélie.txt"


def test_the_type_is_as_stated_else_guessed_from_the_name_else_unknown(world):
    stated = world.alice.upload("a.png", b"", content_type="text/x-log; charset=utf-8")
    guessed = world.alice.upload("b.png", b"")
    unknown = world.alice.upload("c.qqq", b"")

    assert stated["file"]["content_type"] == "text/x-log; charset=utf-8"
    assert guessed["file"]["content_type"] == "image/png"
    assert unknown["file"]["content_type"] == "application/octet-stream"


def test_the_time_of_modification_is_as_stated(world):
    done = world.alice.upload("a.txt", b"", modified_at="2001-02-03T04:05:06.5+01:00")

    assert moment(done["file"]["modified_at"]) == moment("2001-02-03T03:05:06.500000Z")


# -- the same file again: resuming ----------------------------------------------------------------


def test_registering_the_same_file_again_goes_on_with_the_open_upload(world):
    first = answered(world.alice.register("a.bin", A + END), 201)
    world.alice.send(first["chunks"][1], END)

    again = answered(world.alice.register("a.bin", A + END), 200)

    assert (again["upload_id"], again["file_id"]) == (first["upload_id"], first["file_id"])


def test_what_was_sent_before_registering_again_is_not_asked_for_again(world):
    first = answered(world.alice.register("a.bin", A + END), 201)
    world.alice.send(first["chunks"][1], END)

    again = answered(world.alice.register("a.bin", A + END), 200)

    assert [chunk["state"] for chunk in again["chunks"]] == ["upload", "have"]


def test_what_was_sent_before_announcing_a_page_again_is_not_asked_for_again(world):
    first = answered(world.alice.register("a.bin", A + END), 201)
    world.alice.send(first["chunks"][1], END)

    page = {"start": 1, "chunks": [{"sha256": sha256(END), "size": len(END)}]}
    again = answered(world.alice.post(f"/api/upload/{first['upload_id']}/chunks", page))

    assert [chunk["state"] for chunk in again["chunks"]] == ["have"]


def test_another_token_of_the_same_person_goes_on_with_the_open_upload(world):
    first = answered(world.alice.register("a.bin", END), 201)
    elsewhere = Person(world.alice.user, world.plane)
    assert elsewhere.token != world.alice.token

    again = answered(elsewhere.register("a.bin", END), 200)
    elsewhere.send_all(again, END)
    done = answered(elsewhere.complete(again["upload_id"]))

    assert again["upload_id"] == first["upload_id"]
    assert done["file"]["id"] == first["file_id"]


def test_another_person_never_meets_somebody_elses_upload(world):
    first = answered(world.alice.register("a.bin", END), 201)

    theirs = answered(world.bob.register("a.bin", END), 201)

    assert theirs["upload_id"] != first["upload_id"]
    assert theirs["file_id"] != first["file_id"]


def test_an_upload_that_began_with_fewer_hashes_is_found_again(world):
    data = A + B + END
    few = [{"sha256": sha256(A), "size": len(A)}]
    first = answered(world.alice.register("a.bin", data, chunks=few), 201)

    again = answered(world.alice.register("a.bin", data), 200)

    assert again["upload_id"] == first["upload_id"]
    assert [chunk["index"] for chunk in again["chunks"]] == [0, 1, 2]


@pytest.mark.parametrize("change", ["name", "size", "hash", "parent"])
def test_a_file_that_differs_is_another_upload(world, change):
    first = answered(world.alice.register("a.bin", b"same"), 201)

    other = {
        "name": lambda: world.alice.register("b.bin", b"same"),
        "size": lambda: world.alice.register("a.bin", b"longer"),
        "hash": lambda: world.alice.register("a.bin", b"else"),
        "parent": lambda: world.alice.register("a.bin", b"same", parent=world.alice.folder("f")),
    }[change]()

    assert answered(other, 201)["upload_id"] != first["upload_id"]


def test_a_completed_upload_is_not_gone_on_with(world):
    world.alice.upload("a.bin", END)

    assert world.alice.register("a.bin", END).status_code == 201


def test_registering_without_hashes_yet_is_fine(world):
    body = answered(world.alice.register("a.bin", A + END, chunks=[]), 201)

    assert body["chunks"] == []
    error = refused(world.alice.complete(body["upload_id"]), 409, "chunks_missing")
    assert (error["count"], error["indexes"]) == (2, [0, 1])


# -- names that are taken -------------------------------------------------------------------------


def test_a_taken_name_means_a_new_version_of_that_file(world):
    old = world.alice.upload("report.txt", b"old")["file"]

    registered = answered(world.alice.register("REPORT.txt", b"new"), 201)
    world.alice.send_all(registered, b"new")
    done = answered(world.alice.complete(registered["upload_id"]))

    assert registered["file_id"] == done["file"]["id"] == old["id"]
    assert done["file"]["name"] == "report.txt"
    assert done["version"]["number"] == 2
    assert world.alice.names() == ["report.txt"]


def test_rename_makes_another_file_with_a_number(world):
    old = world.alice.upload("report.txt", b"old")["file"]

    registered = answered(world.alice.register("report.txt", b"new", on_conflict="rename"), 201)
    world.alice.send_all(registered, b"new")
    done = answered(world.alice.complete(registered["upload_id"]))

    assert registered["file_id"] == done["file"]["id"] != old["id"]
    assert done["file"]["name"] == "report (1).txt"
    assert world.alice.upload("report.txt", b"x", on_conflict="rename")["file"]["name"] == (
        "report (2).txt"
    )


def test_fail_refuses_a_taken_name_and_says_whose_it_is(world):
    old = world.alice.upload("report.txt", b"old")["file"]

    error = refused(
        world.alice.register("report.txt", b"new", on_conflict="fail"), 409, "name_taken"
    )

    assert error["id"] == old["id"]


def test_a_file_never_becomes_a_version_of_a_folder(world):
    folder = world.alice.folder("report")

    error = refused(world.alice.register("report", b"new"), 409, "name_taken")

    assert error["id"] == folder


def test_if_match_must_name_the_current_version(world):
    first = world.alice.upload("a.txt", b"1")["version"]["id"]
    second = world.alice.upload("a.txt", b"2")["version"]["id"]

    error = refused(world.alice.register("a.txt", b"3", if_match=first), 412, "stale")

    assert error["current"] == second
    assert world.alice.register("a.txt", b"3", if_match=second).status_code == 201


def test_if_match_without_a_file_is_stale(world):
    version = world.alice.upload("a.txt", b"1")["version"]["id"]

    error = refused(world.alice.register("b.txt", b"2", if_match=version), 412, "stale")

    assert error["current"] is None


# -- where it goes --------------------------------------------------------------------------------


def test_a_parent_in_the_trash_is_gone(world):
    folder = world.alice.folder("f")
    below = world.alice.folder("g", folder)
    world.alice.delete(f"/api/files/{folder}")

    for parent in (folder, below):
        refused(world.alice.register("a.txt", b"1", parent=parent), 409, "parent_gone")


def test_a_parent_that_is_a_file_is_refused(world):
    file = world.alice.upload("a.txt", b"")["file"]["id"]

    refused(world.alice.register("b.txt", b"1", parent=file), 409, "not_a_folder")


def test_a_parent_of_somebody_else_is_not_found(world):
    refused(world.bob.register("a.txt", b"1", parent=world.alice.root), 404, "not_found")


def test_a_token_that_may_only_read_can_not_register(world):
    reader = Person(world.alice.user, world.plane)
    reader.token = make_token(user=world.alice.user, name="r", scopes=["files:read"]).text

    refused(reader.register("a.txt", b"1"), 403, "permission_denied")


def test_a_refused_announcement_leaves_nothing_behind(world):
    world.alice.folder("taken")

    for refusal in [
        world.alice.register("taken", b"12345"),
        world.alice.register("a.txt", b"12345", size=4),
    ]:
        assert refusal.status_code in {409, 422}

    assert world.alice.space.reserved_bytes == 0
