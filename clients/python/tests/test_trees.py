"""Large trees and large files, whole and interrupted."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desk import CHUNK, Desk
from test_killed import chunks_in, kill
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e

GIB = 2**30
HUGE = 5 * GIB
MEMORY = 200 * 2**20
"""Bytes that the command may take, whatever the size of the file: 93 MB were measured."""


def test_a_tree_of_2000_files_goes_up_and_comes_down(desk: Desk, place: str) -> None:
    for number in range(2000):
        desk.write(f"tree/{number % 40}/{number % 7}/file {number}.bin", os.urandom(number * 5))
    desk.write("tree/large.bin", os.urandom(5 * CHUNK + 1))
    (desk.path / "tree/empty/folder").mkdir(parents=True)

    sent = desk.counts("put", "tree", place)
    again = desk.counts("put", "tree", place)
    fetched = desk.counts("get", f"{place}/tree", "out")

    assert (sent["sent"], again["sent"], again["unchanged"]) == (2001, 0, 2001)
    assert fetched["fetched"] == 2001
    assert desk.tree("out/tree") == desk.tree("tree")


def test_a_tree_of_2000_files_is_killed_and_continued(desk: Desk, place: str) -> None:
    for number in range(2000):
        desk.write(f"tree/{number % 40}/file {number}.bin", os.urandom(10_000))
    running = desk.start("put", "tree", place)
    wait_while(running, lambda: not desk.run("ls", f"{place}/tree/0").out)
    kill(running)

    put = desk.counts("put", "tree", place)
    running = desk.start("get", f"{place}/tree", "out")
    wait_while(running, lambda: len(list(desk.path.glob("out/tree/*/file*"))) < 100)
    kill(running)
    got = desk.counts("get", f"{place}/tree", "out")

    assert put["unchanged"] > 0
    assert put["sent"] + put["unchanged"] == 2000
    assert got["unchanged"] >= 100
    assert got["fetched"] + got["unchanged"] == 2000
    assert desk.tree("out/tree") == desk.tree("tree")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[None]:
    """For 5 GiB on the server and 5 GiB here, given back at once: pytest keeps old folders."""
    if shutil.disk_usage(tmp_path).free < 12 * GIB:
        message = "12 GiB of room are needed, and there is less on this disk"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    yield
    shutil.rmtree(tmp_path)


def huge_file(path: Path) -> None:
    """5 GiB of chunks that all differ, and take little room: most of each is a hole."""
    with path.open("wb") as file:
        file.truncate(HUGE)
        for start in range(0, HUGE, CHUNK):
            file.seek(start)
            file.write(os.urandom(64))


def test_a_file_of_5_gib_is_killed_and_continued_both_ways(
    room: None, own_server: tuple[Server, Desk]
) -> None:
    server, desk = own_server
    huge_file(desk.path / "huge.bin")
    objects = server.home / "chunks/objects"
    part = desk.path / "out/.huge.bin.rapidserve-part"

    running = desk.start("put", "huge.bin", "/")
    wait_while(running, lambda: stored(objects) < 300)
    kill(running)
    put, put_memory = watched(desk.start("put", "huge.bin", "/", "--json"))
    running = desk.start("get", "huge.bin", "out/")
    wait_while(running, lambda: chunks_in(part) < 300)
    kill(running)
    got, got_memory = watched(desk.start("get", "huge.bin", "out/", "--json"))

    assert 0 < put["bytes"] <= HUGE - 300 * CHUNK
    assert 0 < got["bytes"] <= HUGE - 300 * CHUNK
    same = subprocess.run(["cmp", "huge.bin", "out/huge.bin"], cwd=desk.path, check=False)
    assert same.returncode == 0
    assert 0 < put_memory < MEMORY
    assert 0 < got_memory < MEMORY


def watched(running: "subprocess.Popen[str]") -> tuple[dict[str, Any], int]:
    """What a transfer says of itself, and the most memory it took, in bytes.

    Looked up while it runs: what the kernel tells afterwards counts the memory of the process that
    started it as well.
    """
    peak = 0
    while running.poll() is None:
        peak = max(peak, memory_peak(running.pid))
        time.sleep(0.05)
    out, err = running.communicate()
    assert running.returncode == 0, err
    return json.loads(out), peak


def memory_peak(pid: int) -> int:
    """Bytes, by proc(5); 0 for a process that has ended and was not waited for."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def wait_while(running: "subprocess.Popen[str]", condition: Callable[[], bool]) -> None:
    """However long it takes: a slow machine is not a broken one, and a command that ends is."""
    while condition():
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)


def stored(objects: Path) -> int:
    """How many chunks have their final name; those that are being written have another."""
    return sum(not name.startswith(".") for _, _, files in os.walk(objects) for name in files)
