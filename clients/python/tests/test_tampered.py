"""Bytes that are not the file's never become a file, whoever altered them, wherever."""

import hashlib

import pytest

from desk import CHUNK, Desk, noise
from proxy import GET_CHUNK, Proxy
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e


def flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def test_a_chunk_that_was_altered_on_the_way_is_fetched_again(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    original = desk.write("a.bin", noise(3 * CHUNK))
    desk.ok("put", "a.bin", f"{place}/")
    attacks = iter(range(2))
    proxy.alter = lambda _, path, body: (
        flipped(body) if path.startswith(GET_CHUNK[1]) and next(attacks, None) is not None else body
    )

    desk.ok("get", f"{place}/a.bin", "out/")

    assert (desk.path / "out/a.bin").read_bytes() == original.read_bytes()
    assert proxy.count(GET_CHUNK) == 5


def test_a_chunk_that_is_always_altered_is_refused_and_the_other_files_come(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    desk.write("film/bad.bin", noise(3 * CHUNK))
    desk.write("film/good.bin", noise(100))
    desk.ok("put", "film", place)
    proxy.alter = lambda _, path, body: (
        flipped(body) if path.startswith(GET_CHUNK[1]) and len(body) == CHUNK else body
    )

    done = desk.run("get", f"{place}/film", "out")

    assert done.code == 1
    assert "bad.bin: Chunk " in done.err
    assert "do not have the SHA-256" in done.err
    assert not (desk.path / "out/film/bad.bin").exists()
    assert (desk.path / "out/film/good.bin").exists()


@pytest.mark.parametrize(
    "alter",
    [lambda body: body[:-1], lambda body: body + b"x", lambda _: b""],
    ids=["short", "long", "empty"],
)
def test_a_chunk_of_another_length_is_refused(
    proxied: tuple[Desk, Proxy], place: str, alter
) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(CHUNK))
    desk.ok("put", "a.bin", f"{place}/")
    proxy.alter = lambda _, path, body: alter(body) if path.startswith(GET_CHUNK[1]) else body

    done = desk.run("get", f"{place}/a.bin", "out/")

    assert done.code == 1
    assert not (desk.path / "out/a.bin").exists()


def test_a_manifest_that_was_altered_with_its_chunk_is_found_out(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    true, false = noise(CHUNK), noise(CHUNK)
    desk.write("true.bin", true)
    desk.write("false.bin", false)
    desk.ok("put", "true.bin", "false.bin", f"{place}/")
    true_hash, false_hash = hashlib.sha256(true).hexdigest(), hashlib.sha256(false).hexdigest()

    def swap(_: str, path: str, body: bytes) -> bytes:
        if path.startswith("/api/download/"):
            return body.replace(true_hash.encode(), false_hash.encode())
        return false if path.startswith(GET_CHUNK[1]) else body

    proxy.alter = swap

    done = desk.run("get", f"{place}/true.bin", "out/")

    assert done.code == 1
    assert "don't make up the file" in done.err
    assert not (desk.path / "out/true.bin").exists()


def test_bytes_altered_on_the_way_up_are_not_taken_for_the_file(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(2 * CHUNK))
    proxy.alter_sent = lambda method, body: flipped(body) if method == "PUT" else body

    done = desk.run("put", "a.bin", f"{place}/")

    assert done.code == 1
    assert desk.listed(place) == []


def test_a_chunk_that_rotted_on_the_servers_disk_is_refused(
    own_server: tuple[Server, Desk],
) -> None:
    server, desk = own_server
    desk.write("film/bad.bin", noise(2 * CHUNK))
    desk.ok("put", "film", "/")
    for stored in (server.home / "chunks/objects").rglob("*"):
        if stored.is_file() and stored.stat().st_size > CHUNK - 1:
            stored.chmod(0o600)
            with stored.open("r+b") as opened:
                opened.seek(CHUNK // 2)
                byte = opened.read(1)
                opened.seek(CHUNK // 2)
                opened.write(bytes([byte[0] ^ 1]))
    desk.write("film/good.bin", b"fine")
    desk.ok("put", "film", "/")

    done = desk.run("get", "film", "out")

    assert done.code == 1
    assert "bad.bin" in done.err
    assert desk.tree("out/film").keys() == {"good.bin", ".bad.bin.rapidserve-part"}
