"""The disk is full: clear answers, nothing half done, and all is well once there is room again."""

import errno
import os
import pathlib

import pytest
from django.db import OperationalError, connection

from files.chunkstore.backends import local
from files.chunkstore.registry import nodes
from files.content.verify import verify
from files.models import Entry, Space, Upload, Version
from tests.engines.undo import ON_MONGODB
from tests.world import sha256

DATA = b"what did not fit at first"
on_sqlite = pytest.mark.skipif(
    ON_MONGODB, reason="a mongod whose disk is full stops; its set goes on"
)
WRITES = ("INSERT", "UPDATE", "DELETE")


def no_space(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def code_of(response):
    return response.json()["error"]["code"]


def files_on_the_node():
    objects = nodes()["main"].config.place / "objects"
    return [path for path in objects.rglob("*") if path.is_file()]


# -- the disk with the chunks --------------------------------------------------------------------


@pytest.fixture(params=["create", "write", "sync", "link"])
def a_full_node(request):
    """A function that fills the node: from then on this step of putting a chunk finds no room."""

    def fill(patch):
        if request.param == "create":
            patch.setattr(local, "_private", no_space)
        elif request.param == "write":
            patch.setattr(local.os, "write", no_space)
        elif request.param == "sync":
            patch.setattr(local.os, "fsync", no_space)
        else:
            patch.setattr(pathlib.Path, "hardlink_to", no_space)

    return fill


def test_a_chunk_that_does_not_fit_is_507_and_can_be_sent_again(world, a_full_node):
    alice = world.alice
    registered = alice.register("file", DATA).json()
    [slot] = registered["chunks"]

    with pytest.MonkeyPatch.context() as patch:
        a_full_node(patch)
        refused = alice.send(slot, DATA)
        missing = alice.complete(registered["upload_id"])

    assert (refused.status_code, code_of(refused)) == (507, "storage_full")
    assert refused.headers["Retry-After"]
    assert code_of(missing) == "chunks_missing"
    assert files_on_the_node() == []
    assert alice.send(slot, DATA).status_code == 204
    assert alice.complete(registered["upload_id"]).status_code == 200


def test_registering_for_a_full_node_is_507_and_reserves_nothing(world):
    alice = world.alice

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "_private", no_space)
        refused = alice.register("file", DATA)

    assert (refused.status_code, code_of(refused)) == (507, "storage_full")
    assert not Upload.objects.exists()
    assert alice.space.reserved_bytes == 0
    assert alice.register("file", DATA).status_code == 201


def test_what_is_there_can_be_read_while_the_node_is_full(shared_world):
    alice = shared_world.alice
    file = alice.upload("file", DATA)["file"]["id"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "_private", no_space)

        assert alice.download(file) == DATA


# -- the disk with the database ------------------------------------------------------------------


class FullAt:
    """The disk is full at the `number`-th statement that writes, and at no other."""

    def __init__(self, number):
        self.left = number

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith(WRITES):
            self.left -= 1
            if self.left == 0:
                raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)


def register(alice):
    alice.get("/api/auth/me")  # notes when the token was used, and bears it when it can't
    return lambda: alice.register("new", DATA)


def add_chunks(alice):
    body = {"parent": alice.root, "name": "new", "size": len(DATA), "chunks": []}
    upload = alice.post("/api/upload/chunk/register", body).json()["upload_id"]
    chunks = [{"sha256": sha256(DATA), "size": len(DATA)}]
    return lambda: alice.post(f"/api/upload/{upload}/chunks", {"start": 0, "chunks": chunks})


def complete(alice):
    registered = alice.register("new", DATA).json()
    alice.send_all(registered, DATA)
    return lambda: alice.complete(registered["upload_id"])


def copy(alice):
    file = alice.upload("old", DATA)["file"]["id"]
    return lambda: alice.post(f"/api/files/{file}/copy", {"parent": alice.root})


def move(alice):
    folder, file = alice.folder("folder"), alice.upload("old", DATA)["file"]["id"]
    return lambda: alice.patch(f"/api/files/{file}", {"parent": folder})


def trash(alice):
    file = alice.upload("old", DATA)["file"]["id"]
    return lambda: alice.delete(f"/api/files/{file}")


def restore(alice):
    file = alice.upload("old", DATA)["file"]["id"]
    alice.delete(f"/api/files/{file}")
    return lambda: alice.post(f"/api/trash/{file}/restore")


def state_of_things():
    """What a request that was refused must leave as it was. Touched dates don't count."""
    return (
        sorted(Entry.objects.values_list("id", "parent", "live", "current_version")),
        sorted(Version.objects.filter(state="committed").values_list("id", "number")),
        list(Upload.objects.filter(state="open").values_list("id", "state")),
        list(Space.objects.values_list("used_bytes", "reserved_bytes")),
    )


@on_sqlite
@pytest.mark.parametrize("prepare", [register, add_chunks, complete, copy, move, trash, restore])
def test_a_full_database_at_any_write_is_507_and_changes_nothing(shared_world, prepare):
    act = prepare(shared_world.alice)
    refusals = 0
    while True:
        before = state_of_things()
        with connection.execute_wrapper(FullAt(refusals + 1)):
            answer = act()
        if answer.status_code != 507:
            break
        refusals += 1
        assert code_of(answer) == "storage_full"
        assert state_of_things() == before
        assert [finding.text for finding in verify(deep=True) if finding.is_damage] == []

    assert answer.status_code < 300
    assert refusals >= 3


@on_sqlite
def test_a_database_that_can_not_grow_refuses_large_uploads_until_it_can(shared_world):
    alice = shared_world.alice
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        [pages] = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        body = {
            "parent": alice.root,
            "name": "large",
            "size": 500 * 4 * 2**20,
            "chunks": [{"sha256": sha256(b"%d" % n), "size": 4 * 2**20} for n in range(500)],
        }
        refused = alice.post("/api/upload/chunk/register", body)
        there_is_room_again = "PRAGMA max_page_count = 1073741823"
        cursor.execute(there_is_room_again)

    assert (refused.status_code, code_of(refused)) == (507, "storage_full")
    assert not Upload.objects.exists()
    assert alice.space.reserved_bytes == 0
    assert alice.post("/api/upload/chunk/register", body).status_code == 201
