"""The README's lines for curl, pasted into bash as they are, against the real server."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.markdown import code_blocks, page
from tests.e2e.conftest import OWNER, PASSWORD, Server, clean_environment

pytestmark = pytest.mark.e2e

CHUNK = 4 * 2**20


def walk_through() -> str:
    (block,) = (block for block in code_blocks(page("README.md"), "bash") if "curl" in block)
    return block


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """An empty directory to work in."""
    directory = tmp_path / "desk"
    directory.mkdir()
    return directory


def paste(server: Server, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Line by line from standard input, as a terminal gives it."""
    owner = {"RAPIDSERVE_OWNER": OWNER, "RAPIDSERVE_OWNER_PASSWORD": PASSWORD}
    return subprocess.run(
        ["bash", "--norc", "--noprofile"],
        input=walk_through(),
        cwd=directory,
        env=clean_environment(
            RAPIDSERVE_PORT=str(server.port), TMPDIR=str(directory), **(owner | environment)
        ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("size", [0, 1, CHUNK + 1, 50_000_000])
def test_what_goes_up_comes_down_byte_for_byte(server: Server, desk: Path, size: int) -> None:
    (desk / f"{size} bytes, “quoted” & spaced.bin").write_bytes(os.urandom(size))

    done = paste(server, desk, file=f"{size} bytes, “quoted” & spaced.bin")

    assert done.stdout == "The same, byte for byte.\n", done.stderr
    assert done.returncode == 0


def test_a_file_of_more_chunks_than_one_call_takes(server: Server, desk: Path) -> None:
    if shutil.disk_usage(desk).free < 2 * 1001 * CHUNK:
        pytest.skip("the downloaded copy takes 4 GiB, and there is not enough room for it")
    with (desk / "sparse.bin").open("wb") as file:
        file.truncate(1001 * CHUNK + 5)

    done = paste(server, desk, file="sparse.bin")

    assert done.stdout == "The same, byte for byte.\n", done.stderr


def test_without_a_file_of_ones_own_it_makes_one_and_leaves_nothing_else(
    server: Server, desk: Path
) -> None:
    done = paste(server, desk)

    assert done.stdout == "The same, byte for byte.\n", done.stderr
    assert [(left.name, left.stat().st_size) for left in desk.iterdir()] == [
        ("fifty-megabytes.bin", 50_000_000)
    ]


def test_a_wrong_password_is_said_in_plain_words(server: Server, desk: Path) -> None:
    (desk / "small.bin").write_bytes(b"small")

    done = paste(server, desk, file="small.bin", RAPIDSERVE_OWNER_PASSWORD="wrong")

    assert "The name or the password is wrong." in done.stderr
    assert "Traceback" not in done.stderr
    assert "The same" not in done.stdout
