"""What is seen meanwhile: bars on a terminal, lines elsewhere."""

import os
import pty
import re
import threading

import pytest

from desk import Desk, noise
from rapidserve_client.connection import Connection
from rapidserve_client.errors import Busy, Interrupted, Unsafe
from rapidserve_client.patience import Halt, persist
from rapidserve_client.progress import amount

pytestmark = pytest.mark.e2e


def shown_on_a_terminal(desk: Desk, *arguments: str) -> tuple[int, str]:
    """Exit code, and what a terminal of 80 columns is sent, without its escape sequences."""
    desk.environment |= {"COLUMNS": "80", "TERM": "xterm"}
    ours, theirs = pty.openpty()
    process = desk.start(*arguments, stdin=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 65536):
            shown += block
    except OSError:  # how Linux says that the other end is closed
        pass
    out, _ = process.communicate()
    return process.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()) + out


def test_a_terminal_shows_bars_and_then_a_summary(desk: Desk, place: str) -> None:
    name = "a film with a name that goes on and on and on.mov"
    desk.write(name, noise(5_000_000))

    code, shown = shown_on_a_terminal(desk, "put", name, f"{place}/")

    assert code == 0
    assert "1 of 1 files" in shown
    assert "…" in shown
    assert max(len(line) for line in re.split("[\r\n]", shown)) <= 80
    assert shown.endswith("1 sent (4.8 MiB)\n")


def test_failures_are_seen_beside_the_bars(desk: Desk, place: str) -> None:
    desk.write("film/bell\x07", b"1")

    code, shown = shown_on_a_terminal(desk, "put", "film", place)

    assert code == 1
    assert "failed film/bell\\x07: This name can't be used" in shown


def test_a_pipe_gets_a_line_for_each_file(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")

    done = desk.run("put", "a.bin", f"{place}/")

    assert done.out == "sent a.bin\n1 sent (1 B)\n"
    assert done.err == ""


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 * 2**30, "5.0 GiB"),
        (2**53, "8192.0 TiB"),
    ],
)
def test_amounts_are_short(size: int, shown: str) -> None:
    assert amount(size) == shown


def test_waiting_ends_when_the_command_does() -> None:
    halt = Halt()
    threading.Timer(0.1, halt.set).start()

    def busy() -> None:
        raise Busy("Later.", retry_after=100)

    with pytest.raises(Interrupted):
        persist(busy, halt)


def test_a_chunk_is_not_fetched_without_https_for_a_server_with_it() -> None:
    connection = Connection("https://files.example.com", "rs_x", Halt(), parallel=1)

    with pytest.raises(Unsafe):
        connection.fetch("http://bucket.example.com/chunk", 1, lambda _: None)
