"""Downloads whose every chunk is compared with its hash before a byte of it is written."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.conftest import Server, eventually
from tests.e2e.visitor import CHUNK, Gate, Visitor, random_file, visit

pytestmark = pytest.mark.e2e

CHUNKS = re.compile(r"/d/chunk/")
# The real thing but for the dialog: a file in the browser's own storage takes the place of one that
# a person chose. What the page does with it is the same.
CHOSEN_FILE = """
  window.showSaveFilePicker = async ({ suggestedName }) => {
    window.suggested = suggestedName;
    const directory = await navigator.storage.getDirectory();
    return directory.getFileHandle("chosen", { create: true });
  };
"""
READ = """async () => {
  const directory = await navigator.storage.getDirectory();
  const file = await (await directory.getFileHandle("chosen")).getFile();
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
  return { size: file.size, sha256: hex.join("") };
}"""
NAMES = """async () => {
  const directory = await navigator.storage.getDirectory();
  return Array.fromAsync(directory.keys());
}"""


@pytest.fixture
def alice(browser: Browser, server: Server) -> Iterator[Visitor]:
    """alice, at a browser that can write to the disk."""
    visitor = visit(browser, server.url)
    visitor.context.add_init_script(CHOSEN_FILE)
    visitor.page.reload()
    yield visitor
    visitor.context.close()
    assert visitor.complaints == []


def store(visitor: Visitor, file: Path) -> None:
    """Have the file on the server and in the list, and the tray empty."""
    visitor.go_to_new_folder("download")
    visitor.upload(file)
    expect(visitor.in_tray(file.name)).to_contain_text("Done, verified")
    visitor.page.get_by_role("button", name="Close").click()
    expect(visitor.row(file.name)).to_be_visible()


def is_saved(visitor: Visitor, file: Path) -> bool:
    saved = visitor.page.evaluate(READ)
    expected = {"size": file.stat().st_size, "sha256": sha256_of(file)}
    return saved == expected


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


class Tampering:
    """Flips a bit in the third chunk that is fetched, and in it again, so many times."""

    def __init__(self, visitor: Visitor, times: float) -> None:
        self.left = times
        self.victim = ""
        self._seen = 0
        self._visitor = visitor
        visitor.page.route(CHUNKS, self._decide)

    def _decide(self, route: Route) -> None:
        answer = route.fetch()
        body = answer.body()
        self._seen += 1
        if self._seen == 3:
            self.victim = answer.headers["etag"]
        if self.left and answer.headers["etag"] == self.victim:
            self.left -= 1
            body = bytes([body[0] ^ 1]) + body[1:]
        route.fulfill(response=answer, body=body)


def test_a_large_file_is_fetched_in_parallel_checked_and_written(alice, tmp_path):
    film = random_file(tmp_path, "film.mov", 30 * CHUNK + 12_345)
    store(alice, film)
    fetched = []
    alice.page.on("request", lambda r: fetched.append(r.url) if CHUNKS.search(r.url) else None)

    alice.row("film.mov").locator("a.entry").click()

    expect(alice.in_tray("film.mov")).to_contain_text("Done, verified")
    assert is_saved(alice, film)
    assert alice.page.evaluate("window.suggested") == "film.mov"
    assert len(fetched) == len(set(fetched)) == 31


def test_a_small_file_is_checked_and_handed_to_the_browser_without_a_question(alice, tmp_path):
    note = random_file(tmp_path, "Zoë’s note.txt", 1000)
    store(alice, note)

    assert alice.download("Zoë’s note.txt", tmp_path) == note.read_bytes()

    expect(alice.in_tray("Zoë’s note.txt")).to_contain_text("Done, verified")
    assert alice.page.evaluate("window.suggested") is None


def test_an_empty_file_can_be_downloaded(alice, tmp_path):
    empty = random_file(tmp_path, "empty.txt", 0)
    store(alice, empty)

    assert alice.download("empty.txt", tmp_path) == b""


def test_a_chunk_that_arrives_damaged_is_fetched_again(alice, tmp_path):
    film = random_file(tmp_path, "film.mov", 5 * CHUNK)
    store(alice, film)
    tampering = Tampering(alice, times=2)

    alice.row("film.mov").locator("a.entry").click()

    expect(alice.in_tray("film.mov")).to_contain_text("Done, verified")
    assert tampering.left == 0
    assert is_saved(alice, film)


def test_a_tampered_chunk_is_refused_and_named_and_nothing_is_saved(alice, tmp_path):
    film = random_file(tmp_path, "film.mov", 5 * CHUNK)
    store(alice, film)
    tampering = Tampering(alice, times=1000)

    alice.row("film.mov").locator("a.entry").click()

    line = alice.in_tray("film.mov")
    expect(line).to_contain_text(re.compile(r"Chunk \d of 5 arrived damaged 3 times"))
    assert tampering.left == 1000 - 3
    assert alice.page.evaluate(READ)["size"] == 0

    tampering.left = 0
    line.get_by_role("button", name="Retry").click()

    expect(line).to_contain_text("Done, verified")
    assert is_saved(alice, film)


def test_a_small_tampered_file_is_refused_too(alice, tmp_path):
    store(alice, random_file(tmp_path, "note.txt", 1000))
    alice.page.route(CHUNKS, lambda route: route.fulfill(status=200, body="x" * 1000))
    saved = []
    # Playwright takes no built-in function.
    alice.page.on("download", lambda download: saved.append(download))  # noqa: PLW0108

    alice.row("note.txt").locator("a.entry").click()

    expect(alice.in_tray("note.txt")).to_contain_text("Chunk 1 of 1 arrived damaged 3 times")
    assert saved == []


def test_a_download_can_be_paused_and_cancelled_and_leaves_nothing(alice, tmp_path):
    store(alice, random_file(tmp_path, "film.mov", 9 * CHUNK))
    gate = Gate(alice.page, passing=0, chunks=CHUNKS)
    alice.row("film.mov").locator("a.entry").click()
    line = alice.in_tray("film.mov")
    expect(line).to_contain_text("Fetching chunk 1 to 4 of 9")

    line.get_by_role("button", name="Pause").click()
    gate.open()

    expect(line).to_contain_text("44%")
    expect(line).to_contain_text("Paused")
    line.get_by_role("button", name="Cancel").click()

    expect(line).to_contain_text("Cancelled")
    alice.page.wait_for_function(f"async () => (await ({NAMES})()).length === 0")


def test_expired_addresses_and_a_lost_connection_are_lived_through(alice, tmp_path):
    film = random_file(tmp_path, "film.mov", 6 * CHUNK)
    store(alice, film)
    expired = {"error": {"code": "token_expired", "message": "This address has expired."}}
    answers = [lambda route: route.fulfill(status=403, json=expired), lambda route: route.abort()]

    def decide(route: Route) -> None:
        (answers.pop(0) if answers else Route.continue_)(route)

    alice.page.route(CHUNKS, decide)

    alice.row("film.mov").locator("a.entry").click()

    expect(alice.in_tray("film.mov")).to_contain_text("Done, verified")
    assert answers == []
    assert is_saved(alice, film)


def test_a_download_outlives_a_killed_server(browser, start_server, tmp_path):
    server = start_server()
    visitor = visit(browser, server.url)
    visitor.context.add_init_script(CHOSEN_FILE)
    visitor.page.reload()
    film = random_file(tmp_path, "film.mov", 12 * CHUNK)
    store(visitor, film)
    gate = Gate(visitor.page, passing=4, chunks=CHUNKS)
    visitor.row("film.mov").locator("a.entry").click()
    line = visitor.in_tray("film.mov")
    expect(line).to_contain_text("33%")

    server.kill()
    gate.open()
    expect(line).to_contain_text("Paused: connection lost, continues by itself")
    start_server(server.home, RAPIDSERVE_PORT=str(server.port))

    expect(line).to_contain_text("Done, verified")
    assert is_saved(visitor, film)
    visitor.context.close()
    assert visitor.complaints == []


def test_a_file_that_is_trashed_meanwhile_says_so(alice, tmp_path):
    store(alice, random_file(tmp_path, "film.mov", 6 * CHUNK))
    gate = Gate(alice.page, passing=0, chunks=CHUNKS)
    film = alice.entry("film.mov")
    alice.row("film.mov").locator("a.entry").click()
    line = alice.in_tray("film.mov")
    expect(line).to_contain_text("Fetching")
    address = gate.held[0].request.url

    alice.trash(film)
    eventually(lambda: alice.context.request.get(address).status == 403, "the trash withdraws it")
    gate.open()

    expect(line).to_contain_text("It is not there any more.")
