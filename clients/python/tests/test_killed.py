"""Killed and continued: nothing that arrived travels twice, and the bytes are equal in the end."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import sign_in
from desk import CHUNK, Desk, noise
from proxy import GET_CHUNK, PUT_CHUNK, Proxy
from tests.e2e.conftest import Server, eventually

pytestmark = pytest.mark.e2e

COUNT = 12
SIZE = COUNT * CHUNK - 5


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def chunks_in(part: Path) -> int:
    """How many whole chunks an unfinished file takes on the disk."""
    return part.stat().st_blocks * 512 // CHUNK if part.exists() else 0


def test_put_continues_after_kill_9(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(SIZE))
    proxy.hold_after(PUT_CHUNK, 5)
    running = desk.start("put", "a.bin", f"{place}/")
    eventually(lambda: proxy.count(PUT_CHUNK) == 5, "five chunks have arrived")
    kill(running)
    proxy.let_go()
    eventually(lambda: proxy.at_rest, "nothing of the first run is under way any more")
    arrived = proxy.count(PUT_CHUNK)

    again = desk.counts("put", "a.bin", f"{place}/")

    assert proxy.count(PUT_CHUNK) == COUNT
    assert again["bytes"] <= SIZE - arrived * CHUNK + CHUNK
    desk.ok("get", f"{place}/a.bin", "copy.bin")
    assert (desk.path / "copy.bin").read_bytes() == (desk.path / "a.bin").read_bytes()


def test_get_continues_after_kill_9(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(SIZE))
    desk.ok("put", "a.bin", f"{place}/")
    part = desk.path / "out/.a.bin.rapidserve-part"
    proxy.hold_after(GET_CHUNK, 5)
    running = desk.start("get", f"{place}/a.bin", "out/")
    eventually(lambda: chunks_in(part) == 5, "five chunks are on the disk")
    kill(running)
    proxy.let_go()

    assert not (desk.path / "out/a.bin").exists()
    again = desk.counts("get", f"{place}/a.bin", "out/")

    assert again["bytes"] in {
        SIZE - 5 * CHUNK,
        SIZE - 5 * CHUNK + 5,
    }  # whether the short one was among them
    assert desk.tree("out").keys() == {"a.bin"}
    assert (desk.path / "out/a.bin").read_bytes() == (desk.path / "a.bin").read_bytes()


def test_an_unfinished_file_that_was_altered_is_mended(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(SIZE))
    desk.ok("put", "a.bin", f"{place}/")
    part = desk.path / "out/.a.bin.rapidserve-part"
    proxy.hold_after(GET_CHUNK, 5)
    running = desk.start("get", f"{place}/a.bin", "out/")
    eventually(lambda: chunks_in(part) == 5, "five chunks are on the disk")
    kill(running)
    proxy.let_go()
    part.write_bytes(noise(SIZE + 100))

    assert desk.counts("get", f"{place}/a.bin", "out/")["bytes"] == SIZE

    assert (desk.path / "out/a.bin").read_bytes() == (desk.path / "a.bin").read_bytes()


def test_versions_never_mix(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    old = noise(SIZE)
    desk.write("a.bin", old)
    desk.ok("put", "a.bin", f"{place}/")
    part = desk.path / "out/.a.bin.rapidserve-part"
    proxy.hold_after(GET_CHUNK, 5)
    running = desk.start("get", f"{place}/a.bin", "out/")
    eventually(lambda: chunks_in(part) == 5, "five chunks are on the disk")
    kill(running)
    proxy.let_go()
    new = desk.write("a.bin", noise(SIZE - CHUNK))
    desk.ok("put", "a.bin", f"{place}/")

    desk.ok("get", f"{place}/a.bin", "out/")

    assert (desk.path / "out/a.bin").read_bytes() == new.read_bytes()


def test_a_download_under_way_stays_with_the_version_it_began_with(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    old = noise(SIZE)
    desk.write("a.bin", old)
    desk.ok("put", "a.bin", f"{place}/")
    proxy.hold_after(GET_CHUNK, 3)
    running = desk.start("get", f"{place}/a.bin", "out/")
    eventually(lambda: proxy.count(GET_CHUNK) == 3, "three chunks have come")
    desk.write("a.bin", noise(SIZE))
    desk.ok("put", "a.bin", f"{place}/")
    proxy.let_go()

    _, err = running.communicate(timeout=120)

    assert running.returncode == 0, err
    assert (desk.path / "out/a.bin").read_bytes() == old


def test_the_server_is_killed_and_started_while_a_file_goes_up(
    tmp_path: Path, start_server: Callable[..., Server]
) -> None:
    server = start_server()
    with Proxy(server.port) as proxy:
        desk = Desk.at(tmp_path / "desk", proxy.url, sign_in(server.url))
        desk.write("a.bin", noise(SIZE))
        proxy.hold_after(PUT_CHUNK, 4)
        running = desk.start("put", "a.bin", "film/")
        eventually(lambda: proxy.count(PUT_CHUNK) == 4, "four chunks have arrived")

        server.kill()
        proxy.let_go()
        start_server(server.home, RAPIDSERVE_PORT=str(server.port))
        _, err = running.communicate(timeout=180)

        assert running.returncode == 0, err
        desk.ok("get", "film/a.bin", "copy.bin")
        assert (desk.path / "copy.bin").read_bytes() == (desk.path / "a.bin").read_bytes()


def test_the_server_is_killed_and_started_while_a_file_comes_down(
    tmp_path: Path, start_server: Callable[..., Server]
) -> None:
    server = start_server()
    with Proxy(server.port) as proxy:
        desk = Desk.at(tmp_path / "desk", proxy.url, sign_in(server.url))
        desk.write("a.bin", noise(SIZE))
        desk.ok("put", "a.bin", "film/")
        proxy.hold_after(GET_CHUNK, 4)
        running = desk.start("get", "film/a.bin", "copy.bin")
        eventually(lambda: proxy.count(GET_CHUNK) == 4, "four chunks have come")

        server.kill()
        proxy.let_go()
        start_server(server.home, RAPIDSERVE_PORT=str(server.port))
        _, err = running.communicate(timeout=180)

        assert running.returncode == 0, err
        assert (desk.path / "copy.bin").read_bytes() == (desk.path / "a.bin").read_bytes()
