"""`rapidserve login` and `logout`, and where the token comes from."""

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from desk import Desk, Done
from rapidserve_client.credentials import address_of, is_exposed
from rapidserve_client.errors import UsageError
from tests.e2e.conftest import OWNER, PASSWORD, PROJECT, Server, clean_environment
from tests.engines.ports import free_port

pytestmark = pytest.mark.e2e


def log_in(desk: Desk, url: str, password: str = PASSWORD) -> Done:
    return desk.run("login", url, "--username", OWNER, "--password-stdin", stdin=f"{password}\n")


def kept(desk: Desk) -> Path:
    return Path(desk.environment["XDG_CONFIG_HOME"]) / "rapidserve/logins.json"


def token_in(desk: Desk, url: str) -> str:
    return json.loads(kept(desk).read_text())["servers"][url]["token"]


def may_use(server: Server, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.get(f"{server.url}/api/auth/me", headers=headers).status_code == 200


def test_a_login_is_kept_for_this_user_alone_and_used(blank_desk: Desk, server: Server) -> None:
    done = log_in(blank_desk, f"{server.url}/")

    assert (done.code, done.out) == (0, f"Signed in to {server.url} as {OWNER}.\n")
    assert stat.S_IMODE(kept(blank_desk).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(blank_desk).parent.stat().st_mode) == 0o700
    assert PASSWORD not in kept(blank_desk).read_text()
    assert blank_desk.run("ls").code == 0


def test_a_password_is_asked_for_on_a_terminal(blank_desk: Desk, server: Server) -> None:
    terminal, other_end = pty.openpty()
    process = blank_desk.start("login", server.url, stdin=other_end, start_new_session=True)
    assert process.stderr is not None
    os.write(terminal, f"{OWNER}\n".encode())
    shown = ""
    while not shown.endswith("Password: "):  # what is typed before is thrown away
        shown += process.stderr.read(1)
    os.write(terminal, f"{PASSWORD}\n".encode())

    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert PASSWORD not in out + err
    assert blank_desk.run("ls").code == 0


def test_a_wrong_password_is_told_and_nothing_is_kept(blank_desk: Desk, server: Server) -> None:
    done = log_in(blank_desk, server.url, "wrong")

    assert done.code == 3
    assert "The name or the password is wrong." in done.err
    assert not kept(blank_desk).exists()


def test_logging_out_revokes_the_token(blank_desk: Desk, server: Server) -> None:
    log_in(blank_desk, server.url)
    token = token_in(blank_desk, server.url)
    assert may_use(server, token)

    blank_desk.ok("logout")

    assert not may_use(server, token)
    assert token not in kept(blank_desk).read_text()
    assert blank_desk.run("ls").code == 3


def test_logging_in_again_revokes_the_token_before(blank_desk: Desk, server: Server) -> None:
    log_in(blank_desk, server.url)
    before = token_in(blank_desk, server.url)

    log_in(blank_desk, server.url)

    assert not may_use(server, before)
    assert may_use(server, token_in(blank_desk, server.url))


def test_without_a_login_it_says_what_to_type(blank_desk: Desk) -> None:
    done = blank_desk.run("ls")

    assert done.code == 3
    assert "rapidserve login" in done.err


def test_a_token_that_has_ended_is_told_at_once(desk: Desk, server: Server, place: str) -> None:
    desk.environment["RAPIDSERVE_TOKEN"] = "rs_" + "x" * 43
    for number in range(20):
        desk.write(f"film/{number}.bin", b"")

    done = desk.run("put", "film", place)

    assert done.code == 3
    assert f"rapidserve login {server.url}" in done.err
    assert len(done.err.splitlines()) == 1


def test_the_environment_goes_before_the_login(blank_desk: Desk, server: Server) -> None:
    log_in(blank_desk, server.url)
    blank_desk.environment["RAPIDSERVE_URL"] = f"http://127.0.0.1:{free_port()}"

    assert blank_desk.run("ls").code == 3
    assert blank_desk.run("ls", "--server", server.url).code == 0


def test_a_token_without_its_server_is_sent_nowhere(blank_desk: Desk, server: Server) -> None:
    log_in(blank_desk, server.url)
    blank_desk.environment["RAPIDSERVE_TOKEN"] = "rs_of_another_server"

    done = blank_desk.run("ls")

    assert done.code == 2
    assert "RAPIDSERVE_URL" in done.err


def test_a_server_that_is_not_there_is_told_soon(blank_desk: Desk) -> None:
    done = log_in(blank_desk, f"http://127.0.0.1:{free_port()}")

    assert done.code == 5
    assert "can't be reached" in done.err


def test_a_damaged_file_of_logins_is_told(blank_desk: Desk, server: Server) -> None:
    log_in(blank_desk, server.url)
    kept(blank_desk).write_text('{"servers"')

    done = blank_desk.run("ls")

    assert done.code == 1
    assert "log in again" in done.err


def test_somebody_elses_files_are_not_found(
    desk: Desk, server: Server, tmp_path: Path, place: str
) -> None:
    desk.write("a.bin", b"secret")
    desk.ok("put", "a.bin", f"{place}/")
    (found,) = json.loads(desk.ok("ls", place, "--json"))
    made = subprocess.run(
        [sys.executable, "manage.py", "create_user", "carol", "--password", PASSWORD],
        cwd=PROJECT,
        env=clean_environment(RAPIDSERVE_HOME=str(server.home)),
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    carol = Desk.at(tmp_path / "carol", None, None)
    carol.ok("login", server.url, "--username", "carol", "--password-stdin", stdin=f"{PASSWORD}\n")

    assert found["size"] == 6
    assert carol.run("get", f"{place}/a.bin", "out/").code == 4
    assert carol.listed("/") == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://Files.Example.com/", "https://files.example.com"),
        (" http://127.0.0.1:8000 ", "http://127.0.0.1:8000"),
        ("https://example.com/files/", "https://example.com/files"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_kept_in_one_form(typed: str, meant: str) -> None:
    assert address_of(typed) == meant


@pytest.mark.parametrize(
    "typed",
    ["example.com", "ftp://example.com", "https://", "https://me:secret@example.com", "http://x:y"],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        address_of(typed)


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("http://files.example.com", True),
        ("http://192.168.0.7:8000", True),
        ("http://localhost.example.com", True),
        ("http://127.0.0.1.example.com", True),
        ("https://files.example.com", False),
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
        ("http://[::1]:8000", False),
    ],
)
def test_a_token_is_exposed_without_https_unless_it_stays_here(
    address: str, *, exposed: bool
) -> None:
    assert is_exposed(address) is exposed


def test_a_login_without_https_is_warned_of(blank_desk: Desk) -> None:
    done = log_in(blank_desk, f"http://rapidserve.invalid:{free_port()}")

    assert done.code == 5
    assert "Warning: without https" in done.err


def test_a_token_without_https_is_warned_of(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path / "desk", f"http://rapidserve.invalid:{free_port()}", "rs_x")

    done = desk.run("ls")

    assert done.code == 5
    assert "Warning: without https" in done.err
