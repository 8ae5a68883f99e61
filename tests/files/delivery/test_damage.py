"""Damage on the disk: an honest 503 or a broken stream, never wrong bytes, never a stack trace."""

import asyncio
import os

import pytest

from files.chunkstore import registry
from files.content import reader
from tests.files.api.answers import answered, refused
from tests.world import path_of

DATA = os.urandom(2 * 2**20)
SEGMENT = 262_144


@pytest.fixture(params=["on", "off"], ids=["sealed", "plain"])
def sealing(request, settings):
    settings.NODES += f"?seal={request.param}"
    registry.reset()
    return request.param


@pytest.fixture
def file(shared_world):
    return shared_world.alice.upload("a.bin", DATA)["file"]["id"]


@pytest.fixture
def stored(file, tmp_path):
    """The one object on the disk."""
    (found,) = (path for path in (tmp_path / "chunks" / "objects").rglob("*") if path.is_file())
    return found


@pytest.fixture
def addresses(shared_world, file):
    chunk = answered(shared_world.alice.get(f"/api/download/{file}"))["chunks"][0]["url"]
    return [
        path_of(chunk),
        path_of(shared_world.alice.get(f"/api/files/{file}/content")["Location"]),
    ]


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def receive_all(world, path, headers=()):
    """(status, bytes received, whether the answer came to its proper end) of a GET."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"testserver"), *headers],
    }
    status, body, ended = None, b"", False

    async def receive():
        await asyncio.sleep(3600)

    async def send(message):
        nonlocal status, body, ended
        status = message.get("status", status)
        body += message.get("body", b"")
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            ended = True

    async def ask():
        try:
            await world.plane.app(scope, receive, send)
        except Exception:  # noqa: BLE001 - whatever breaks the connection; the client sees just that
            return

    asyncio.run(ask())
    return status, body, ended


@pytest.mark.parametrize("where", [0, 8, 100, SEGMENT + 500, len(DATA) // 2, -1])
def test_a_flipped_bit_never_arrives(sealing, shared_world, addresses, stored, where):
    flip(stored, where)

    for address in addresses:
        status, body, ended = receive_all(shared_world, address)

        assert status in {200, 503}
        if status == 200:
            assert not (ended and len(body) == len(DATA))
            assert sealing == "off" or DATA.startswith(body)


def test_damage_at_the_beginning_is_told_before_anything_is_sent(shared_world, addresses, stored):
    flip(stored, 500)

    for address in addresses:
        response = shared_world.plane.get(address)
        refused(response, 503, "storage_unavailable")
        assert int(response.headers["Retry-After"]) > 0


def test_a_range_beside_the_damage_still_comes(shared_world, addresses, stored):
    flip(stored, stored.stat().st_size - 1)

    for address in addresses:
        response = shared_world.plane.get(address, headers={"Range": "bytes=0-99"})
        assert (response.status_code, response.content) == (206, DATA[:100])


@pytest.mark.parametrize("cut", [0, 50, 200, SEGMENT, 2**20])
def test_an_object_cut_short_is_never_passed_for_a_whole_one(
    sealing, shared_world, addresses, stored, cut
):
    stored.chmod(0o600)
    os.truncate(stored, cut)

    for address in addresses:
        status, body, ended = receive_all(shared_world, address)

        assert status == 503 or not ended or len(body) < len(DATA)
        assert status == 503 or DATA.startswith(body)


def test_a_missing_object_is_503(sealing, shared_world, addresses, stored):
    stored.unlink()
    reader.forget_all()

    for address in addresses:
        for headers in ({}, {"Range": "bytes=5-9"}):
            response = shared_world.plane.get(address, headers=headers)
            refused(response, 503, "storage_unavailable")


def test_a_disk_that_is_not_there_is_503_and_all_is_well_once_it_is_back(
    sealing, shared_world, addresses, tmp_path
):
    (tmp_path / "chunks").rename(tmp_path / "unmounted")
    (tmp_path / "chunks").mkdir()

    for address in addresses:
        refused(shared_world.plane.get(address), 503, "storage_unavailable")

    (tmp_path / "chunks").rmdir()
    (tmp_path / "unmounted").rename(tmp_path / "chunks")
    for address in addresses:
        assert shared_world.plane.get(address).content == DATA


def test_a_node_that_left_the_settings_is_503(shared_world, addresses, settings, tmp_path):
    settings.NODES = f"other=file://{tmp_path / 'other'}"
    registry.reset()

    for address in addresses:
        refused(shared_world.plane.get(address), 503, "storage_unavailable")


def test_the_control_side_goes_on_without_the_disk(shared_world, file, tmp_path):
    (tmp_path / "chunks").rename(tmp_path / "unmounted")

    assert shared_world.alice.names() == ["a.bin"]
    assert shared_world.alice.get(f"/api/download/{file}").status_code == 200
    refused(shared_world.alice.register("b.bin", b"new"), 503, "storage_unavailable")


def test_two_objects_swapped_on_the_disk_are_not_mistaken_for_each_other(
    sealing, shared_world, addresses, stored, tmp_path
):
    other = shared_world.alice.upload("b.bin", bytes(len(DATA)))["file"]["id"]
    (second,) = (
        path
        for path in (tmp_path / "chunks" / "objects").rglob("*")
        if path.is_file() and path != stored
    )
    stored.rename(tmp_path / "swap")
    second.rename(stored)
    (tmp_path / "swap").rename(second)

    for address in addresses:
        status, body, ended = receive_all(shared_world, address)

        assert status == 503 or not (ended and len(body) == len(DATA)) or body == DATA
    assert answered(shared_world.alice.get(f"/api/files/{other}"))["size"] == len(DATA)
