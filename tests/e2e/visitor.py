"""A person at a real Chromium: what they click, what they see, and what their pages ask for."""

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.cast import OWNER, PASSWORD

CHUNK = 4 * 2**20
PATIENCE = 60_000  # milliseconds until a test gives up; nothing waits that long
LAN_HOST = "files.lan"  # a plain-HTTP address that is not this machine, in the browser's eyes
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {LAN_HOST} 127.0.0.1",
]
PUTS = re.compile(r"/d/upload/")
TRAY = "Uploads and downloads"

expect.set_options(timeout=PATIENCE)


@dataclass
class Visitor:
    """A person at a browser, and what the pages did behind their back."""

    context: BrowserContext
    page: Page
    url: str
    puts: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda request: self._note_request(request.method, request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._note_console(message.text))

    def _note_request(self, method: str, url: str) -> None:
        if method == "PUT":
            self.puts.append(url)

    def _note_console(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.complaints.append(text)

    def sign_in(self) -> None:
        self.page.goto(f"{self.url}/login")
        self.page.get_by_label("Name").fill(OWNER)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/files/*")

    def call(self, method: str, path: str, body: object = None) -> dict:
        """The API, with the session of the pages."""
        token = next(c["value"] for c in self.context.cookies() if c["name"] == "csrftoken")
        answer = self.context.request.fetch(
            self.url + path,
            method=method,
            data=body,
            headers={"X-CSRFToken": token, "Referer": self.url},
        )
        assert answer.ok, answer.text()
        return answer.json()

    def trash(self, entry: str) -> None:
        token = next(c["value"] for c in self.context.cookies() if c["name"] == "csrftoken")
        answer = self.context.request.delete(
            f"{self.url}/api/files/{entry}", headers={"X-CSRFToken": token}
        )
        assert answer.ok

    def folder(self, name: str, parent: str | None = None) -> str:
        parent = parent or self.call("GET", "/api/spaces")["results"][0]["root"]
        made = self.call("POST", "/api/files", {"parent": parent, "name": name, "type": "folder"})
        return made["id"]

    def go_to_new_folder(self, name: str) -> str:
        """A folder of the test's own, on the screen."""
        folder = self.folder(f"{name} {os.urandom(4).hex()}")
        self.page.goto(f"{self.url}/files/{folder}")
        return folder

    def drop(self, *paths: Path) -> None:
        """Files and folders from the disk, let go of over the page, as the browser sees it."""
        session = self.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for event in ("dragEnter", "dragOver", "drop"):
            session.send(
                "Input.dispatchDragEvent", {"type": event, "x": 200, "y": 300, "data": data}
            )
        session.detach()

    def tree(self, folder: str) -> dict[str, bytes | None]:
        """All that is below a folder, by path: bytes as they are read, None for folders."""
        found: dict[str, bytes | None] = {}
        for entry in self.children(folder):
            if entry["type"] == "folder":
                below = self.tree(entry["id"])
                found[entry["name"]] = None
                found |= {f"{entry['name']}/{path}": data for path, data in below.items()}
            else:
                found[entry["name"]] = self.read(entry["id"])
        return found

    def children(self, folder: str) -> list[dict]:
        page = self.call("GET", f"/api/files/{folder}/children?limit=1000")
        assert page["next"] is None
        return page["results"]

    def read(self, file: str) -> bytes:
        answer = self.context.request.get(f"{self.url}/api/files/{file}/content")
        assert answer.ok
        return answer.body()

    def upload(self, *files: Path) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Upload", exact=True).click()
        chooser.value.set_files([str(file) for file in files])

    def row(self, name: str):
        """A line of the list."""
        return self.page.locator("tbody tr").filter(has=self.page.get_by_title(name, exact=True))

    def entry(self, name: str) -> str:
        """The id of what a line of the list is about."""
        found = self.row(name).get_attribute("data-entry")
        assert found, name
        return found

    def in_tray(self, name: str):
        """A file's line in the tray."""
        tray = self.page.get_by_role("region", name=TRAY).get_by_role("listitem")
        return tray.filter(has=self.page.get_by_title(name, exact=True))

    def choose(self, name: str, action: str) -> None:
        """An item of a line's menu."""
        self.row(name).locator("summary").click()
        self.row(name).get_by_text(action, exact=True).click()

    def download(self, name: str, directory: Path) -> bytes:
        with self.page.expect_download() as download:
            self.row(name).locator("a.entry").click()
        assert download.value.suggested_filename == name
        download.value.save_as(directory / "downloaded")
        return (directory / "downloaded").read_bytes()


def visit(browser: Browser, url: str, **options: object) -> Visitor:
    context = browser.new_context(**options)
    # A headless browser has nobody to answer its dialog: large files come the plain way.
    context.add_init_script("delete window.showSaveFilePicker")
    visitor = Visitor(context, context.new_page(), url)
    visitor.listen()
    visitor.sign_in()
    return visitor


def tree_on_disk(directory: Path) -> dict[str, bytes | None]:
    """As `Visitor.tree`, of the directory itself and all below it."""
    return {directory.name: None} | {
        f"{directory.name}/{path.relative_to(directory)}": path.read_bytes()
        if path.is_file()
        else None
        for path in directory.rglob("*")
    }


def random_file(directory: Path, name: str, size: int) -> Path:
    path = directory / name
    path.write_bytes(os.urandom(size))
    return path


class Gate:
    """Lets the first `passing` chunks through and holds the others until it is opened."""

    def __init__(self, page: Page, passing: float, chunks: re.Pattern[str] = PUTS) -> None:
        self.held: list[Route] = []
        self._passing = passing
        page.route(chunks, self._decide)

    def _decide(self, route: Route) -> None:
        if self._passing:
            self._passing -= 1
            route.continue_()
        else:
            self.held.append(route)

    def open(self) -> None:
        self._passing = math.inf
        for route in self.held:
            route.continue_()
        self.held.clear()


def answer_first_puts(page: Page, times: int, **answer: object) -> None:
    """Have the first chunks answered by somebody else than the server."""
    left = times

    def decide(route: Route) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            route.fulfill(**answer)
        else:
            route.continue_()

    page.route(PUTS, decide)
