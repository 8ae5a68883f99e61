"""GET and HEAD /d/file/{ticket}/{name}: a whole file, any range of it, inert under its own name."""

import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from files.chunkstore.chunk import CHUNK_SIZE
from tests.files.api.answers import refused
from tests.world import content_hash_of, path_of

SIZE = CHUNK_SIZE + 1000
DATA = os.urandom(SIZE)


def address(person, file_id, query=""):
    response = person.get(f"/api/files/{file_id}/content{query}")
    assert response.status_code == 302, response.content
    return path_of(response["Location"])


@pytest.fixture
def file(shared_world):
    return shared_world.alice.upload("film.mp4", DATA)["file"]


@pytest.fixture
def path(shared_world, file):
    return address(shared_world.alice, file["id"])


def test_the_whole_file(shared_world, path):
    response = shared_world.plane.get(path)

    assert response.status_code == 200
    assert response.content == DATA
    assert response.headers["Content-Length"] == str(SIZE)
    assert response.headers["ETag"] == f'"{content_hash_of(DATA)}"'
    assert response.headers["Accept-Ranges"] == "bytes"
    assert "Content-Range" not in response.headers


def test_head_tells_the_same_without_the_bytes(shared_world, path):
    got, head = shared_world.plane.get(path), shared_world.plane.head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == got.headers


def test_head_ignores_a_range(shared_world, path):
    # RFC 9110, 14.2: ranges are defined for GET only.
    response = shared_world.plane.head(path, headers={"Range": "bytes=0-9"})

    assert response.status_code == 200
    assert response.headers["Content-Length"] == str(SIZE)


def test_an_empty_file(shared_world):
    file = shared_world.alice.upload("empty", b"")["file"]["id"]
    path = address(shared_world.alice, file)

    response = shared_world.plane.get(path)

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Content-Length"] == "0"
    for wanted in ("bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"):
        response = shared_world.plane.get(path, headers={"Range": wanted})
        refused(response, 416, "range_invalid")
        assert response.headers["Content-Range"] == "bytes */0"


# Places near the seams, where an off-by-one shows; and anywhere.
places = st.one_of(
    st.integers(0, 3),
    st.integers(CHUNK_SIZE - 3, CHUNK_SIZE + 3),
    st.integers(SIZE - 3, SIZE + 3),
    st.integers(0, SIZE),
    st.just(10**18),
)


@st.composite
def ranges(draw):
    """(header, the slice of the file it means)."""
    first = draw(places)
    match draw(st.sampled_from(["closed", "open", "suffix"])):
        case "closed":
            last = first + draw(st.integers(0, 2000) | st.just(SIZE) | st.integers(-5, -1))
            return f"bytes={first}-{max(0, last)}", DATA[first : max(0, last) + 1]
        case "open":
            return f"bytes={first}-", DATA[first:]
        case _:
            return f"bytes=-{first}", DATA[max(0, SIZE - first) :]


def test_any_range_is_the_slice_that_it_means(shared_world, path):
    @settings(
        max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(ranges())
    @example(("bytes=5-2", b""))
    @example((f"bytes={SIZE}-", b""))
    @example(("bytes=-0", b""))
    @example((f"bytes=0-{SIZE + 1}", DATA))
    def check(case):
        header, expected = case
        response = shared_world.plane.get(path, headers={"Range": header})
        if not expected:
            assert refused(response, 416, "range_invalid")["size"] == SIZE
            assert response.headers["Content-Range"] == f"bytes */{SIZE}"
            return
        assert response.status_code == 206
        assert response.content == expected
        assert response.headers["Content-Length"] == str(len(expected))
        start, end, size = response.headers["Content-Range"][6:].replace("/", "-").split("-")
        assert DATA[int(start) : int(end) + 1] == expected
        assert int(size) == SIZE

    check()


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-0,1-1",
        "bytes=" + ",".join(["1-1"] * 1000),
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=--1",
        "bytes=1-2-3",
        "bytes=" + "9" * 5000 + "-",
        "bytes=0-" + "9" * 5000,
    ],
)
def test_several_ranges_and_nonsense_are_416(shared_world, path, wanted):
    response = shared_world.plane.get(path, headers={"Range": wanted})

    refused(response, 416, "range_invalid")
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"


def test_another_unit_is_ignored(shared_world, path):
    response = shared_world.plane.get(path, headers={"Range": "lines=1-2"})

    assert (response.status_code, len(response.content)) == (200, SIZE)


def test_if_range_gives_the_range_only_of_the_same_content(shared_world, path):
    def get(condition):
        headers = {"Range": "bytes=5-9", "If-Range": condition}
        response = shared_world.plane.get(path, headers=headers)
        return response.status_code, response.content

    assert get(f'"{content_hash_of(DATA)}"') == (206, DATA[5:10])
    assert get('"another"') == (200, DATA)
    assert get(f'W/"{content_hash_of(DATA)}"') == (200, DATA)
    assert get("Wed, 21 Oct 2037 07:28:00 GMT") == (200, DATA)


def test_what_the_client_holds_already_is_not_sent_again(shared_world, path):
    etag = f'"{content_hash_of(DATA)}"'

    for more in ({}, {"Range": "bytes=0-1"}):
        response = shared_world.plane.get(path, headers={"If-None-Match": etag} | more)
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["ETag"] == etag


def test_an_interrupted_download_goes_on_with_the_content_it_began_with(shared_world, file, path):
    shared_world.alice.upload("film.mp4", b"newer")

    response = shared_world.plane.get(path, headers={"Range": "bytes=4194304-"})

    assert response.content == DATA[4194304:]


def test_an_old_version_by_its_id(shared_world, file):
    shared_world.alice.upload("film.mp4", b"newer")

    old = address(shared_world.alice, file["id"], f"?version={file['version']}")
    now = address(shared_world.alice, file["id"])

    assert shared_world.plane.get(old).content == DATA
    assert shared_world.plane.get(now).content == b"newer"


# -- what a browser makes of it -------------------------------------------------------------------

NAMES = [
    'quo"te.txt',
    "semi;colon.txt",
    "it's, plus+.txt",
    "100%.txt",
    "per%20cent%2F.txt",
    "hash#mark?.txt",
    "größer & Ähnliches.txt",
    "日本語.txt",
    "emoji \U0001f600.txt",
    "न\u200dर.txt",
    "x" * 251 + ".txt",
    "é" * 127,
    "...",
    "a=b",
    "utf-8''x",
    "a\u2028b.txt",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_browser_saves_the_file_under_its_name(shared_world, name):
    file = shared_world.alice.upload(name, b"text")["file"]["id"]

    response = shared_world.plane.get(address(shared_world.alice, file))

    header = response.headers["Content-Disposition"]
    assert header.isascii()
    assert parse_options_header(header)[1]["filename"] == name
    assert response.content == b"text"


SHOWN = ["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "video/mp4"]


@pytest.mark.parametrize("content_type", SHOWN)
def test_harmless_types_keep_their_type_and_may_be_shown(shared_world, content_type):
    file = shared_world.alice.upload("a", b"x", content_type=content_type)["file"]["id"]

    response = shared_world.plane.get(address(shared_world.alice, file))

    assert response.headers["Content-Type"] == content_type
    assert response.headers["Content-Disposition"].startswith("inline")


def test_text_is_shown_as_plain_text(shared_world):
    stated = "text/plain; charset=utf-16"
    file = shared_world.alice.upload("a", b"x", content_type=stated)["file"]["id"]

    response = shared_world.plane.get(address(shared_world.alice, file))

    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("inline")


PROGRAMS = [
    *("text/html", "TEXT/HTML; charset=utf-8", "image/svg+xml", "Image/SVG+XML", "text/xml"),
    *("application/xhtml+xml", "application/javascript", "text/css", "application/x-whatever"),
    *("multipart/mixed", "message/rfc822", "text/html;image/png"),
]


@pytest.mark.parametrize("content_type", PROGRAMS)
def test_programs_and_unknown_types_lose_their_type_and_are_saved(shared_world, content_type):
    file = shared_world.alice.upload("a.html", b"<script>", content_type=content_type)["file"]
    assert file["content_type"] == content_type  # what its owner stated is not forgotten

    response = shared_world.plane.get(address(shared_world.alice, file["id"]))

    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("query", "kind"),
    [("", "inline"), ("?download=1", "attachment"), ("?download=0", "inline")],
)
def test_download_asks_for_an_attachment(shared_world, query, kind):
    file = shared_world.alice.upload("a.png", b"x")["file"]["id"]

    response = shared_world.plane.get(address(shared_world.alice, file, query))

    assert response.headers["Content-Disposition"].startswith(kind)


def test_whatever_it_is_it_is_inert(shared_world, path):
    for headers in ({}, {"Range": "bytes=0-1"}):
        response = shared_world.plane.get(path, headers=headers)

        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "private, no-cache"


def test_the_name_in_the_address_is_only_for_the_eye(shared_world, path):
    renamed = path.rsplit("/", 1)[0] + "/evil.html"

    response = shared_world.plane.get(renamed)

    assert (
        parse_options_header(response.headers["Content-Disposition"])[1]["filename"] == "film.mp4"
    )
    assert response.content == DATA


def test_an_altered_address_is_refused(shared_world, path):
    _, _, _, ticket, name = path.split("/")

    for position in range(0, len(ticket), 5):
        other = "A" if ticket[position] != "A" else "B"
        altered = ticket[:position] + other + ticket[position + 1 :]
        refused(shared_world.plane.get(f"/d/file/{altered}/{name}"), 403, "token_invalid")
