"""`rapidserve put`: what goes up, what need not, what is refused, and what is said of it."""

import hashlib
import json
import os
import signal
from pathlib import Path

import pytest

from desk import CHUNK, Desk, noise
from proxy import PACK, PUT_CHUNK, Proxy
from tests.e2e.conftest import eventually

pytestmark = pytest.mark.e2e

LARGE = 300_000
"""Bytes. Too many to go in a pack with others."""


def content_hash(data: bytes) -> str:
    """Dropbox's published definition, written down once more."""
    parts = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def entries(desk: Desk, place: str) -> dict[str, dict]:
    return {one["name"]: one for one in json.loads(desk.ok("ls", place, "--json"))}


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 9 * CHUNK + 5])
def test_a_file_arrives_with_its_bytes_and_its_time(desk: Desk, place: str, size: int) -> None:
    file = desk.write("a.bin", noise(size))
    os.utime(file, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))

    desk.ok("put", "a.bin", f"{place}/")

    (arrived,) = entries(desk, place).values()
    assert (arrived["name"], arrived["size"]) == ("a.bin", size)
    assert arrived["content_hash"] == content_hash(file.read_bytes())
    assert arrived["modified_at"] == "2020-09-13T12:26:40.123456+00:00"


def test_a_single_file_takes_the_name_that_is_given(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")

    desk.ok("put", "a.bin", f"{place}/new/b.bin")

    assert desk.listed(f"{place}/new") == ["b.bin"]


def test_a_file_goes_into_a_folder_that_is_there(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")
    desk.ok("mkdir", f"{place}/in")

    desk.ok("put", "a.bin", f"{place}/in")

    assert desk.listed(f"{place}/in") == ["a.bin"]


def test_a_folder_goes_into_the_target_and_with_a_slash_what_is_in_it(
    desk: Desk, place: str
) -> None:
    desk.write("film/deep/a.bin", b"1")
    (desk.path / "film/empty").mkdir()

    desk.ok("put", "film", f"{place}/whole")
    desk.ok("put", "film/", f"{place}/content")

    assert desk.listed(f"{place}/whole") == ["film/"]
    assert desk.listed(f"{place}/whole/film") == ["deep/", "empty/"]
    assert desk.listed(f"{place}/content") == ["deep/", "empty/"]


def test_what_is_there_is_not_sent_again(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    for number in range(5):
        desk.write(f"film/{number}.bin", noise(100))
    desk.write("film/large.bin", noise(CHUNK + 1))

    assert desk.counts("put", "film", place)["sent"] == 6
    before = len(proxy.passed)
    again = desk.counts("put", "film", place)

    assert (again["sent"], again["unchanged"], again["bytes"]) == (0, 6, 0)
    assert {one.method for one in proxy.passed[before:]} == {"GET"}


def test_a_file_that_was_only_touched_is_not_sent_again(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    file = desk.write("a.bin", noise(LARGE))
    desk.ok("put", "a.bin", f"{place}/")
    os.utime(file, (1, 1))

    assert desk.counts("put", "a.bin", f"{place}/")["unchanged"] == 1

    assert proxy.count(PUT_CHUNK) == 1


def test_a_changed_file_becomes_a_new_version(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"old")
    desk.ok("put", "a.bin", f"{place}/")
    desk.write("a.bin", b"newer")

    assert desk.counts("put", "a.bin", f"{place}/")["sent"] == 1

    assert entries(desk, place)["a.bin"]["content_hash"] == content_hash(b"newer")


def test_checksum_finds_what_size_and_time_hide(desk: Desk, place: str) -> None:
    file = desk.write("a.bin", b"one")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    desk.ok("put", "a.bin", f"{place}/")
    file.write_bytes(b"two")
    os.utime(file, (1_700_000_000, 1_700_000_000))

    assert desk.counts("put", "a.bin", f"{place}/")["unchanged"] == 1
    assert desk.counts("put", "a.bin", f"{place}/", "--checksum")["sent"] == 1

    assert entries(desk, place)["a.bin"]["content_hash"] == content_hash(b"two")


def test_chunks_that_the_space_has_are_not_sent(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    data = noise(3 * CHUNK)
    desk.write("a.bin", data)
    desk.write("b.bin", data + b"and a little more")
    desk.ok("put", "a.bin", f"{place}/")
    sent = proxy.count(PUT_CHUNK)

    assert desk.counts("put", "b.bin", f"{place}/")["bytes"] == 17

    assert proxy.count(PUT_CHUNK) == sent + 1


def test_standard_input_of_unknown_length(desk: Desk, place: str) -> None:
    desk.ok("put", "-", f"{place}/notes.txt", stdin="typed\n" * 1_000_000)

    assert entries(desk, place)["notes.txt"]["size"] == 6_000_000


def test_standard_input_needs_a_name(desk: Desk, place: str) -> None:
    done = desk.run("put", "-", f"{place}/", stdin="x")

    assert done.code == 2
    assert "name" in done.err


def test_links_and_pipes_in_a_folder_are_left_out_and_said(desk: Desk, place: str) -> None:
    desk.write("film/a.bin", b"1")
    (desk.path / "film/loop").symlink_to(".")
    (desk.path / "film/gone").symlink_to("nowhere")
    os.mkfifo(desk.path / "film/pipe")

    done = desk.run("put", "film", place)

    assert done.code == 0
    assert desk.listed(f"{place}/film") == ["a.bin"]
    for name in ("loop", "gone", "pipe"):
        assert f"skipped film/{name}: it is " in done.err


def test_a_link_that_is_named_is_followed(desk: Desk, place: str) -> None:
    desk.write("real.bin", b"real")
    (desk.path / "link.bin").symlink_to("real.bin")

    desk.ok("put", "link.bin", f"{place}/")

    assert entries(desk, place)["link.bin"]["size"] == 4


@pytest.mark.parametrize(
    "name",
    ["bell\x07.bin", "trick\u202etxt.exe", " space", "not UTF-8: \udcff"],
    ids=["control", "direction", "space", "bytes"],
)
def test_a_name_the_server_refuses_is_told_and_the_rest_arrives(
    desk: Desk, place: str, name: str
) -> None:
    desk.write(f"film/{name}", b"1")
    desk.write("film/zz.bin", b"2")

    done = desk.run("put", "film/", place)

    assert done.code == 1
    assert "This name can't be used" in done.err
    assert not {"\x07", "\u202e"} & set(done.err + done.out)
    assert desk.listed(place) == ["zz.bin"]


def test_of_two_names_that_are_one_to_the_server_only_the_first_arrives(
    desk: Desk, place: str
) -> None:
    desk.write("film/README", b"first")
    desk.write("film/readme", b"second")

    done = desk.run("put", "film/", place)

    assert done.code == 1
    assert "case only" in done.err
    assert entries(desk, place)["README"]["content_hash"] == content_hash(b"first")


def test_a_missing_file_is_told_and_the_rest_arrives(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")

    done = desk.run("put", "a.bin", "missing.bin", place)

    assert done.code == 1
    assert "missing.bin" in done.err
    assert desk.listed(place) == ["a.bin"]


def test_a_file_where_a_folder_should_be_is_told(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")
    desk.ok("put", "a.bin", f"{place}/taken")
    desk.write("film/taken/b.bin", b"1")

    assert desk.run("put", "film/", place).code == 1
    assert desk.run("put", "a.bin", f"{place}/taken/").code == 1

    assert desk.listed(place) == ["taken"]


def test_a_file_that_changes_while_it_is_sent_is_not_half_one_and_half_the_other(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    file = desk.write("a.bin", noise(12 * CHUNK))
    proxy.hold_after(PUT_CHUNK, 2)
    running = desk.start("put", "a.bin", f"{place}/")
    eventually(lambda: proxy.count(PUT_CHUNK) == 2, "two chunks have arrived")

    with file.open("r+b") as opened:
        opened.seek(11 * CHUNK)
        opened.write(b"changed")
    proxy.let_go()
    _, err = running.communicate()

    assert running.returncode == 1
    assert "changed" in err
    assert desk.listed(place) == []
    assert desk.counts("put", "a.bin", f"{place}/")["sent"] == 1


def test_an_upload_begun_with_other_contents_is_begun_anew(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    data = noise(12 * CHUNK)
    desk.write("a.bin", data)
    proxy.hold_after(PUT_CHUNK, 2)
    killed = desk.start("put", "a.bin", f"{place}/")
    eventually(lambda: proxy.count(PUT_CHUNK) == 2, "two chunks have arrived")
    killed.kill()
    killed.wait()
    proxy.let_go()
    changed = data[: 11 * CHUNK] + noise(CHUNK)
    desk.write("a.bin", changed)

    desk.ok("put", "a.bin", f"{place}/")

    assert entries(desk, place)["a.bin"]["content_hash"] == content_hash(changed)


def test_files_without_a_line_of_output_when_quiet(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")

    done = desk.run("put", "a.bin", f"{place}/", "--quiet")

    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_full_space_is_told_in_the_servers_words(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(LARGE))
    error = {"error": {"code": "quota_exceeded", "message": "The space is full.", "need": 1}}
    proxy.answer = lambda _, path: (
        (507, json.dumps(error).encode()) if path.endswith("/register") else None
    )

    done = desk.run("put", "a.bin", f"{place}/")

    assert done.code == 1
    assert "a.bin: The space is full." in done.err


def test_a_busy_server_is_asked_again(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(LARGE))
    busy = {"error": {"code": "busy", "message": "Try again in a moment."}}
    refusals = iter(range(3))
    proxy.answer = lambda _, path: (
        (503, json.dumps(busy).encode())
        if path.endswith(("/register", "/complete")) and next(refusals, None) is not None
        else None
    )

    desk.ok("put", "a.bin", f"{place}/")

    assert desk.listed(place) == ["a.bin"]


def test_an_address_that_is_refused_is_asked_for_anew(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(2 * CHUNK))
    expired = {"error": {"code": "token_expired", "message": "Too late."}}
    refusals = iter(range(2))
    proxy.answer = lambda method, _: (
        (403, json.dumps(expired).encode())
        if method == "PUT" and next(refusals, None) is not None
        else None
    )

    desk.ok("put", "a.bin", f"{place}/")

    assert desk.listed(place) == ["a.bin"]


def test_an_upload_that_is_gone_is_begun_anew(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(2 * CHUNK))
    gone = {"error": {"code": "upload_gone", "message": "This upload has ended."}}
    refusals = iter(range(1))
    proxy.answer = lambda _, path: (
        (410, json.dumps(gone).encode())
        if path.endswith("/complete") and next(refusals, None) is not None
        else None
    )

    desk.ok("put", "a.bin", f"{place}/")

    assert desk.listed(place) == ["a.bin"]
    assert proxy.count(PUT_CHUNK) == 2


def test_the_token_goes_to_the_api_and_to_no_address_of_a_chunk(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(2 * CHUNK))

    desk.ok("put", "a.bin", f"{place}/")
    desk.ok("get", f"{place}/a.bin", "copy.bin")

    with_token = {one.path[:5] for one in proxy.passed if "Authorization" in one.headers}
    without = {one.path[:3] for one in proxy.passed if "Authorization" not in one.headers}
    assert (with_token, without) == ({"/api/"}, {"/d/"})


def test_small_files_go_many_at_a_time(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    for number in range(100):
        desk.write(f"film/{number % 7}/{number}.bin", noise(number))

    desk.ok("put", "film", place)

    assert proxy.count(PACK) == 1
    assert len(desk.listed(f"{place}/film/3")) == 14


def test_a_server_without_packs_gets_them_one_by_one(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    for number in range(10):
        desk.write(f"film/{number}/{number}.bin", noise(100))
    proxy.answer = lambda _, path: (404, b"{}") if path == PACK[1] else None

    desk.ok("put", "film", place)

    assert proxy.count(PUT_CHUNK) == 10
    assert desk.listed(f"{place}/film/3") == ["3.bin"]


def test_of_a_pack_that_is_refused_whole_each_file_says_why(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    desk.write("film/1.bin", noise(100))
    desk.write("film/2.bin", noise(100))
    error = {"error": {"code": "quota_exceeded", "message": "The space is full.", "need": 1}}
    proxy.answer = lambda _, path: (507, json.dumps(error).encode()) if path == PACK[1] else None

    desk.ok("put", "film/", place)

    assert desk.listed(place) == ["1.bin", "2.bin"]


def test_a_small_file_that_a_newer_one_replaces(desk: Desk, place: str) -> None:
    desk.write("film/a.bin", b"old")
    desk.write("film/b.bin", b"same")
    desk.ok("put", "film", place)
    desk.write("film/a.bin", b"new")

    again = desk.counts("put", "film", place)

    assert (again["sent"], again["unchanged"], again["bytes"]) == (1, 1, 3)
    assert entries(desk, f"{place}/film")["a.bin"]["content_hash"] == content_hash(b"new")


def test_two_folders_put_into_one_do_not_hide_each_others_files(desk: Desk, place: str) -> None:
    desk.write("one/same.bin", b"1")
    desk.write("two/same.bin", b"2")
    desk.write("two/other.bin", b"3")

    done = desk.run("put", "one/", "two/", place)

    assert done.code == 1
    assert "two/same.bin" in done.err
    assert entries(desk, place)["same.bin"]["content_hash"] == content_hash(b"1")
    assert desk.listed(place) == ["other.bin", "same.bin"]


def test_a_pipe_that_closes_early_is_no_error(desk: Desk, place: str) -> None:
    for number in range(50):
        desk.write(f"film/{number}.bin", b"")
    desk.ok("put", "film", place)
    listing = desk.start("ls", f"{place}/film")
    assert listing.stdout is not None
    listing.stdout.close()

    assert listing.wait(60) == 0
    assert listing.stderr is not None
    assert listing.stderr.read() == ""


def test_ctrl_c_ends_in_words_and_the_next_run_goes_on(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(12 * CHUNK))
    proxy.hold_after(PUT_CHUNK, 3)
    running = desk.start("put", "a.bin", f"{place}/")
    eventually(lambda: proxy.count(PUT_CHUNK) == 3, "three chunks have arrived")

    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    proxy.let_go()
    sent = proxy.count(PUT_CHUNK)
    desk.ok("put", "a.bin", f"{place}/")

    assert running.returncode == 130
    assert err.endswith("Interrupted. Run the same command again to continue.\n")
    assert "Traceback" not in err
    assert proxy.count(PUT_CHUNK) == 12
    assert sent >= 3


def test_sigterm_ends_as_well(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(12 * CHUNK))
    proxy.hold_after(PUT_CHUNK, 3)
    running = desk.start("put", "a.bin", f"{place}/")
    eventually(lambda: proxy.count(PUT_CHUNK) == 3, "three chunks have arrived")

    running.terminate()
    running.communicate(timeout=60)

    assert running.returncode == 143


def test_nothing_is_left_in_the_temporary_folder(desk: Desk, place: str, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    desk.environment["TMPDIR"] = str(spool)

    desk.ok("put", "-", f"{place}/a.txt", stdin="x")

    assert list(spool.iterdir()) == []
