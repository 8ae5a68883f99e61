"""GET /api/download/{id}: the manifest; GET /api/files/{id}/content: where the whole file is."""

import datetime as dt
from urllib.parse import quote, urlsplit

import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from files.models import Entry, Version
from tests.files.api.answers import answered, refused
from tests.world import content_hash_of, sha256

DATA = bytes(CHUNK_SIZE) + b"\1" * CHUNK_SIZE + b"end"


@pytest.fixture
def file(world):
    return world.alice.upload("film.mp4", DATA)["file"]


def manifest(person, file_id, query=""):
    return person.get(f"/api/download/{file_id}{query}")


def test_the_manifest_has_exactly_the_fields_of_the_protocol(world, file, settings):
    settings.DOWNLOAD_URL_SECONDS = 900
    before = dt.datetime.now(dt.UTC)

    body = answered(manifest(world.alice, file["id"]))

    expires_at = dt.datetime.fromisoformat(body.pop("expires_at"))
    assert abs(expires_at - before - dt.timedelta(seconds=900)) < dt.timedelta(seconds=5)
    urls = [chunk.pop("url") for chunk in body["chunks"]]
    assert body == {
        "file_id": file["id"],
        "version_id": file["version"],
        "name": "film.mp4",
        "size": len(DATA),
        "content_type": "video/mp4",
        "content_hash": content_hash_of(DATA),
        "chunk_size": 4_194_304,
        "chunks": [
            {"index": 0, "sha256": sha256(DATA[:CHUNK_SIZE]), "size": CHUNK_SIZE},
            {
                "index": 1,
                "sha256": sha256(DATA[CHUNK_SIZE : 2 * CHUNK_SIZE]),
                "size": CHUNK_SIZE,
            },
            {"index": 2, "sha256": sha256(b"end"), "size": 3},
        ],
        "next": None,
    }
    assert all(url.startswith("http://testserver/d/chunk/") for url in urls)
    assert len(set(urls)) == 3


def test_no_address_of_the_storage_is_shown(world, file, tmp_path):
    text = manifest(world.alice, file["id"]).content.decode()

    assert str(tmp_path) not in text
    assert "main" not in text


@pytest.mark.parametrize(
    ("query", "indexes", "following"),
    [
        ("?limit=2", [0, 1], 2),
        ("?limit=1&start=1", [1], 2),
        ("?limit=1&start=2", [2], None),
        ("?limit=3", [0, 1, 2], None),
        ("?start=1", [1, 2], None),
    ],
)
def test_start_and_limit_choose_the_page(world, file, query, indexes, following):
    body = answered(manifest(world.alice, file["id"], query))

    assert [chunk["index"] for chunk in body["chunks"]] == indexes
    assert body["next"] == following


def test_an_empty_file_has_no_chunks(world):
    file = world.alice.upload("empty", b"")["file"]["id"]

    body = answered(manifest(world.alice, file))

    assert (body["size"], body["chunks"], body["next"]) == (0, [], None)
    assert body["content_hash"] == sha256(b"")
    refused(manifest(world.alice, file, "?start=1"), 422, "chunk_index_invalid")


def test_an_old_version_can_be_asked_for(world, file):
    newer = world.alice.upload("film.mp4", b"newer")["file"]
    assert newer["id"] == file["id"]

    old = answered(manifest(world.alice, file["id"], f"?version={file['version']}"))
    now = answered(manifest(world.alice, file["id"]))

    assert (old["version_id"], old["size"]) == (file["version"], len(DATA))
    assert (now["version_id"], now["size"]) == (newer["version"], 5)


@pytest.mark.parametrize(
    "door", ["/api/download/{}?version={}", "/api/files/{}/content?version={}"]
)
def test_a_version_that_is_not_this_files_is_not_found(world, file, door):
    other = world.alice.upload("other", b"other")["file"]["version"]
    pending = answered(world.alice.register("new", b"new"), 201)["upload_id"]
    pending_version = Version.objects.get(upload=pending).id

    for version in [other, pending_version, "x", "", "0" * 36]:
        refused(world.alice.get(door.format(file["id"], version)), 404, "not_found")


@pytest.mark.parametrize("door", ["/api/download/{}", "/api/files/{}/content"])
def test_folders_are_not_downloaded_this_way(world, door):
    refused(world.alice.get(door.format(world.alice.folder("f"))), 409, "not_a_file")


@pytest.mark.parametrize("door", ["/api/download/{}", "/api/files/{}/content"])
def test_what_is_in_the_trash_is_not_found(world, door):
    folder = world.alice.folder("f")
    file = world.alice.upload("a", b"a", parent=folder)["file"]["id"]
    world.alice.delete(f"/api/files/{folder}")

    refused(world.alice.get(door.format(file)), 404, "not_found")


@pytest.mark.parametrize("trashed", range(4))
def test_whichever_folder_above_it_is_in_the_trash(world, trashed):
    folders = [world.alice.folder("f")]
    for _ in range(3):
        folders.append(world.alice.folder("f", folders[-1]))
    file = world.alice.upload("a", b"a", parent=folders[-1])["file"]["id"]
    assert world.alice.get(f"/api/files/{file}/content").status_code == 302

    world.alice.delete(f"/api/files/{folders[trashed]}")

    refused(world.alice.get(f"/api/files/{file}/content"), 404, "not_found")
    world.alice.post(f"/api/trash/{folders[trashed]}/restore")
    assert world.alice.get(f"/api/files/{file}/content").status_code == 302


def test_where_a_file_is_takes_six_questions_to_the_database(
    world, file, django_assert_num_queries
):
    world.alice.get(f"/api/files/{file['id']}/content")  # notes that the token is in use

    # Token, space, epochs, entry, the token again (withdrawn since, it must not get new tickets),
    # version.
    with django_assert_num_queries(6):
        world.alice.get(f"/api/files/{file['id']}/content")


@pytest.mark.parametrize("door", ["/api/download/{}", "/api/files/{}/content"])
def test_somebody_elses_file_is_not_found(world, file, door):
    refused(world.bob.get(door.format(file["id"])), 404, "not_found")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_content_leads_to_an_address_that_ends_in_the_name(world, file, method):
    Entry.objects.filter(id=file["id"]).update(name="50% größer?#1;.mp4")

    response = world.alice.call(method, f"/api/files/{file['id']}/content")

    assert response.status_code == 302
    assert response["Location"].startswith("http://testserver/d/file/")
    assert urlsplit(response["Location"]).path.endswith("/" + quote("50% größer?#1;.mp4", safe=""))
    assert urlsplit(response["Location"]).query == ""
    assert response["Cache-Control"] == "private, no-store"
