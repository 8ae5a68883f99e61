"""A server that means harm writes nothing outside of the target, and is told no secrets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desk import Desk
from impostor import CONTENT, Impostor, entry

pytestmark = pytest.mark.e2e

OUTSIDE = [
    "../x",
    "..",
    ".",
    "",
    "/etc/x",
    "/x",
    "a/b",
    "a/../../x",
    "..\\x",
    "C:\\x",
    "C:x",
    "\\\\host\\share\\x",
    "nul\x00.txt",
]
DEVICES = [
    *("CON", "con", "NUL", "nul.txt", "Aux.tar.gz", "PRN", "COM1", "com9.log", "LPT1", "COM¹"),
    *("CONIN$", "nul .txt", "a:b", "a.txt:stream", "dot.", "dots...", "space "),
]
DECEIVING = [
    "a\nb",
    "bell\x07",
    "\x1b[2Jcleared",
    "trick\u202etxt.exe",
    "zero\u200bwidth",
    "\ufeffx",
]
IMPOSSIBLE = ["x" * 256, "ü" * 128, "half \ud800", ".a.txt.rapidserve-part"]
DANGEROUS = [*OUTSIDE, *DEVICES, *DECEIVING, *IMPOSSIBLE]


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    with Impostor() as running:
        yield running


@pytest.fixture
def victim(tmp_path: Path, impostor: Impostor) -> Desk:
    return Desk.at(tmp_path / "desk", impostor.url, "rs_secret")


def everything(path: Path) -> set[str]:
    return {str(found.relative_to(path)) for found in path.rglob("*")}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_dangerous_names_are_refused_and_the_rest_comes(
    victim: Desk, impostor: Impostor, tmp_path: Path, kind: str
) -> None:
    dangerous = [entry(name, kind) for name in DANGEROUS]
    impostor.children = {
        "top": [entry("film", "folder")],
        "id of film": [*dangerous, entry("fine.txt")],
        **{f"id of {name}": [entry("inner.txt")] for name in DANGEROUS},
    }

    done = victim.run("get", "film", "out")

    assert done.code == 1
    refused = [line for line in done.err.splitlines() if "This name is not written" in line]
    assert len(refused) == len(DANGEROUS)
    assert everything(tmp_path) == {"desk", "desk/out", "desk/out/film", "desk/out/film/fine.txt"}
    assert not {"\x1b", "\x07", "\u202e"} & set(done.err + done.out)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "CON"])
def test_the_top_is_no_less_careful(
    victim: Desk, impostor: Impostor, tmp_path: Path, name: str
) -> None:
    impostor.children = {"top": [entry(name), entry("fine.txt")]}

    assert victim.run("get", "/", "out").code == 1

    assert everything(tmp_path) == {"desk", "desk/out", "desk/out/fine.txt"}


def test_an_entry_found_under_an_innocent_name_is_not_written_under_its_own(
    victim: Desk, impostor: Impostor, tmp_path: Path
) -> None:
    """The impostor answers with another name than the one looked for, but for its key."""
    impostor.children = {"top": [entry("FILM", "folder")], "id of FILM": [entry("../x")]}

    assert victim.run("get", "film", "out").code == 1

    assert everything(tmp_path) == {"desk", "desk/out", "desk/out/FILM"}


def test_two_names_that_differ_in_case_only_are_not_both_written(
    victim: Desk, impostor: Impostor
) -> None:
    first = entry("Read.me", id="one")
    impostor.children = {"top": [entry("film", "folder")], "id of film": [first, entry("READ.ME")]}

    done = victim.run("get", "film", "out")

    assert done.code == 1
    assert "but for case" in done.err
    assert victim.tree("out/film").keys() == {"Read.me"}


def test_folders_inside_themselves_come_to_an_end(victim: Desk, impostor: Impostor) -> None:
    impostor.children = {"top": [entry("a", "folder")], "id of a": [entry("a", "folder")]}

    done = victim.run("get", "a", "out")

    assert done.code == 1
    assert "without end" in done.err


def test_folders_of_any_depth_come_to_an_end(victim: Desk, impostor: Impostor) -> None:
    impostor.children = {"top": [entry("0", "folder")]}
    for level in range(200):
        impostor.children[f"id of {level}"] = [entry(str(level + 1), "folder")]

    done = victim.run("get", "0", "out")

    assert done.code == 1
    assert "without end" in done.err


def test_a_list_without_end_is_left(victim: Desk, impostor: Impostor) -> None:
    impostor.answers["/api/files/top/children"] = (
        200,
        {},
        {"results": [entry("a")], "next": "again"},
    )

    done = victim.run("ls")

    assert done.code == 1
    assert "circles" in done.err


@pytest.mark.parametrize(
    "manifest",
    [
        {"chunks": []},
        {"chunks": [], "next": 0},
        {"size": 10**18},
        {"size": -1},
        {"chunk_size": 1},
        {"version_id": "v2"},
        {"content_hash": "0" * 64},
        {"content_hash": "../x"},
        {"next": 1},
        {"chunks": "many"},
    ],
    ids=repr,
)
def test_a_manifest_that_contradicts_itself_makes_no_file(
    victim: Desk, impostor: Impostor, manifest: dict
) -> None:
    impostor.children = {"top": [entry("a.txt")]}
    impostor.manifest = manifest

    assert victim.run("get", "a.txt", "out/").code == 1

    assert not (victim.path / "out/a.txt").exists()


def test_a_file_larger_than_the_disk_is_refused_before_it_is_begun(
    victim: Desk, impostor: Impostor
) -> None:
    impostor.children = {"top": [entry("a.txt", size=2**60)]}

    done = victim.run("get", "a.txt", "out/")

    assert done.code == 1
    assert "bytes of room" in done.err
    assert [found.stat().st_size for found in (victim.path / "out").iterdir()] == [0]


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "/d/chunk", "", "http://", "x" * 99],
)
def test_addresses_of_other_kinds_are_not_followed(
    victim: Desk, impostor: Impostor, url: str
) -> None:
    impostor.children = {"top": [entry("a.txt")]}
    (chunk,) = impostor._manifest()["chunks"]
    impostor.manifest = {"chunks": [chunk | {"url": url}]}

    done = victim.run("get", "a.txt", "out/")

    assert done.code == 1
    assert not (victim.path / "out/a.txt").exists()


def test_a_chunk_elsewhere_is_fetched_without_the_token(victim: Desk, impostor: Impostor) -> None:
    with Impostor() as bucket:
        impostor.children = {"top": [entry("a.txt")]}
        (chunk,) = impostor._manifest()["chunks"]
        impostor.manifest = {"chunks": [chunk | {"url": f"{bucket.url}/d/chunk"}]}

        victim.ok("get", "a.txt", "out/")

        assert (victim.path / "out/a.txt").read_bytes() == CONTENT
        assert len(bucket.asked) == 1
        assert "rs_secret" not in str(bucket.asked)


def test_a_chunk_that_moved_is_followed_without_the_token(victim: Desk, impostor: Impostor) -> None:
    with Impostor() as bucket:
        impostor.children = {"top": [entry("a.txt")]}
        impostor.answers["/d/chunk"] = (302, {"Location": f"{bucket.url}/d/chunk"}, b"")

        victim.ok("get", "a.txt", "out/")

        assert "rs_secret" not in str(bucket.asked)


def test_the_token_does_not_follow_a_redirect(victim: Desk, impostor: Impostor) -> None:
    with Impostor() as other:
        location = f"{other.url}/api/files/top/children"
        impostor.answers["/api/files/top/children"] = (302, {"Location": location}, b"")

        done = victim.run("ls")

        assert done.code == 1
        assert "another address" in done.err
        assert other.asked == []


def test_redirects_in_a_circle_come_to_an_end(victim: Desk, impostor: Impostor) -> None:
    impostor.children = {"top": [entry("a.txt")]}
    impostor.answers["/d/chunk"] = (302, {"Location": "/d/chunk"}, b"")

    assert victim.run("get", "a.txt", "out/").code == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[" * 100_000,
        b'"text"',
        b"[]",
        b"null",
        b"{}",
        b'{"results": [1], "next": null}',
    ],
    ids=["html", "deep", "text", "list", "null", "object", "numbers"],
)
def test_answers_of_another_protocol_are_said_to_be_such(
    victim: Desk, impostor: Impostor, body: bytes
) -> None:
    impostor.answers["/api/spaces"] = (200, {}, body)

    done = victim.run("ls")

    assert done.code == 1
    assert "server" in done.err.lower()


def test_an_answer_without_end_does_not_fill_the_memory(victim: Desk, impostor: Impostor) -> None:
    impostor.answers["/api/spaces"] = (200, {}, b" " * (40 * 2**20))

    done = victim.run("ls")

    assert done.code == 1
    assert "too long" in done.err


def test_what_a_listing_shows_can_not_move_the_cursor(victim: Desk, impostor: Impostor) -> None:
    impostor.children = {"top": [entry("\x1b[2J\x1b]0;owned\x07\u202e.txt"), entry("two\nlines")]}

    shown = victim.ok("ls", "-l")

    assert "\\x1b[2J\\x1b]0;owned\\x07\\u202e.txt" in shown
    assert "two\\x0alines" in shown
    assert len(shown.splitlines()) == 2


def test_errors_that_move_the_cursor_are_escaped(victim: Desk, impostor: Impostor) -> None:
    error = {"error": {"code": "x", "message": "\x1b[2Jgone\r\nfake prompt $ "}}
    impostor.answers["/api/spaces"] = (422, {}, error)

    done = victim.run("ls")

    assert done.code == 1
    assert "\x1b" not in done.err
    assert len(done.err.splitlines()) == 1


def test_headers_that_smuggle_are_not_sent(victim: Desk, impostor: Impostor) -> None:
    slot = {
        "index": 0,
        "sha256": "0" * 64,
        "size": 300_000,
        "state": "upload",
        "method": "PUT",
        "url": f"{impostor.url}/bucket",
        "headers": {"X-Evil": "1\r\nX-More: 2"},
    }
    impostor.answers["/api/upload/chunk/register"] = (
        201,
        {},
        {"upload_id": "u", "chunks": [slot]},
    )
    victim.write("a.bin", b"x" * 300_000)

    done = victim.run("put", "a.bin", "/")

    assert done.code == 1
    assert "PUT" not in {method for method, _, _ in impostor.asked}
