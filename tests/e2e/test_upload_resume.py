"""Uploads that are paused, torn off, and continued: what was sent once is not sent again."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Server, eventually
from tests.e2e.visitor import CHUNK, PUTS, Gate, Visitor, random_file, visit

pytestmark = pytest.mark.e2e

FILM = 200 * 10**6  # 48 chunks


class Sent:
    """Counts the chunks that the server took."""

    def __init__(self, page: Page) -> None:
        self.count = 0
        self._page = page
        page.on("response", lambda answer: self._note(answer.request.method, answer.status))

    def _note(self, method: str, status: int) -> None:
        if method == "PUT" and status == 204:
            self.count += 1

    def comes_to(self, count: int) -> bool:
        """Exactly so many: the browser may tell of answers a little after it has shown them."""
        eventually(lambda: self.count >= count or self._page.wait_for_timeout(20), "chunks arrive")
        return self.count == count


def pause_after(visitor: Visitor, gate: Gate, name: str, percent: str) -> None:
    """Pause once so much is there; the chunks that are under way arrive."""
    line = visitor.in_tray(name)
    expect(line).to_contain_text(percent)
    line.get_by_role("button", name="Pause").click()
    gate.open()
    expect(line).to_contain_text("Paused")


def test_200_megabytes_survive_a_pause_a_reload_and_a_killed_server(
    browser: Browser, start_server, tmp_path: Path
):
    server: Server = start_server()
    visitor = visit(browser, server.url)
    page = visitor.page
    page.on("dialog", lambda dialog: dialog.accept())  # yes, leave
    film = random_file(tmp_path, "film.mov", FILM)
    folder = visitor.go_to_new_folder("film")
    sent = Sent(page)

    gate = Gate(page, passing=12)
    visitor.drop(film)
    pause_after(visitor, gate, "film.mov", "25%")
    expect(visitor.in_tray("film.mov")).to_contain_text("33%")  # 16 of 48: four were under way
    assert sent.comes_to(16)

    page.unroute(PUTS)
    page.reload()
    expect(page.get_by_text("Not finished: drop it again to continue")).to_be_visible()
    gate = Gate(page, passing=14)
    visitor.drop(film)
    expect(visitor.in_tray("film.mov")).to_contain_text("62%")  # 30 of 48
    assert sent.comes_to(30)

    server.kill()
    gate.open()
    line = visitor.in_tray("film.mov")
    expect(line).to_contain_text("Paused: connection lost, continues by itself")
    start_server(server.home, RAPIDSERVE_PORT=str(server.port))

    expect(line).to_contain_text("Done, verified")
    assert sent.comes_to(48)  # each chunk was taken once
    [entry] = visitor.children(folder)
    assert visitor.read(entry["id"]) == film.read_bytes()
    expect(page.get_by_text("Not finished")).to_be_hidden()
    visitor.context.close()
    assert visitor.complaints == []


def test_another_browser_continues_where_the_first_stopped(
    browser: Browser, server: Server, tmp_path: Path
):
    film = random_file(tmp_path, "film.mov", 9 * CHUNK)
    first = visit(browser, server.url)
    folder = first.go_to_new_folder("elsewhere")
    gate = Gate(first.page, passing=3)
    first.upload(film)
    pause_after(first, gate, "film.mov", "33%")
    expect(first.in_tray("film.mov")).to_contain_text("77%")  # seven of nine are there
    first.context.close()
    second = visit(browser, server.url)
    second.page.goto(f"{server.url}/files/{folder}")
    sent = Sent(second.page)

    second.upload(film)

    expect(second.in_tray("film.mov")).to_contain_text("Done, verified")
    assert sent.comes_to(2)
    assert second.tree(folder) == {"film.mov": film.read_bytes()}
    second.context.close()


def test_a_changed_file_of_the_same_name_and_size_is_not_mixed_with_the_old_one(alice, tmp_path):
    film = random_file(tmp_path, "film.mov", 9 * CHUNK)
    folder = alice.go_to_new_folder("changed")
    alice.page.on("dialog", lambda dialog: dialog.accept())
    gate = Gate(alice.page, passing=7)
    alice.upload(film)
    pause_after(alice, gate, "film.mov", "77%")
    alice.page.unroute(PUTS)
    alice.page.reload()
    with film.open("r+b") as file:
        file.seek(6 * CHUNK)
        file.write(os.urandom(CHUNK))

    alice.upload(film)

    expect(alice.in_tray("film.mov")).to_contain_text("Done, verified")
    assert alice.tree(folder) == {"film.mov": film.read_bytes()}


def test_a_reminder_can_be_discarded_and_stays_away(alice, tmp_path):
    alice.go_to_new_folder("discard")
    alice.page.on("dialog", lambda dialog: dialog.accept())
    gate = Gate(alice.page, passing=1)
    alice.upload(random_file(tmp_path, "film.mov", 3 * CHUNK))
    pause_after(alice, gate, "film.mov", "33%")
    alice.page.unroute(PUTS)
    alice.page.reload()
    reminder = alice.page.get_by_text("Not finished: drop it again to continue")
    expect(reminder).to_be_visible()

    with alice.page.expect_request(lambda request: request.method == "DELETE") as giving_up:
        alice.page.get_by_role("button", name="Discard film.mov").click()

    assert giving_up.value.response().status == 204
    expect(reminder).to_be_hidden()
    alice.page.reload()
    expect(alice.page.get_by_role("link", name="Trash")).to_be_visible()
    expect(reminder).to_be_hidden()


def test_a_lost_connection_is_waited_out(alice, tmp_path):
    alice.go_to_new_folder("offline")
    gate = Gate(alice.page, passing=2)
    alice.upload(random_file(tmp_path, "film.mov", 6 * CHUNK))
    line = alice.in_tray("film.mov")
    expect(line).to_contain_text("33%")

    alice.context.set_offline(True)
    gate.open()
    expect(line).to_contain_text("Paused: connection lost, continues by itself")
    alice.context.set_offline(False)

    expect(line).to_contain_text("Done, verified")


def test_who_is_signed_out_goes_on_after_signing_in_in_another_tab(alice, tmp_path):
    folder = alice.go_to_new_folder("signed out")
    alice.context.clear_cookies()

    alice.upload(*[random_file(tmp_path, f"{number}.txt", 10) for number in range(20)])

    tray = alice.page.get_by_role("region", name="Uploads and downloads")
    told = tray.get_by_text("You are signed out. Sign in again in another tab, then Retry.").first
    expect(told).to_be_visible()
    other = Visitor(alice.context, alice.context.new_page(), alice.url)
    other.sign_in()
    tray.get_by_role("button", name="Retry", exact=True).click()
    expect(tray.get_by_role("heading", name="20 of 20 uploaded")).to_be_visible()
    assert len(alice.children(folder)) == 20


def test_a_file_that_changes_while_it_is_sent_is_not_uploaded(alice, tmp_path):
    film = random_file(tmp_path, "film.mov", 6 * CHUNK)
    folder = alice.go_to_new_folder("changing")
    gate = Gate(alice.page, passing=2)
    alice.upload(film)
    line = alice.in_tray("film.mov")
    expect(line).to_contain_text("33%")

    film.write_bytes(os.urandom(6 * CHUNK))
    gate.open()

    expect(line).to_contain_text("The file can't be read: it was changed, moved or is a folder.")
    assert alice.children(folder) == []


def test_a_full_space_is_told_in_a_persons_terms(alice, tmp_path):
    alice.go_to_new_folder("full")
    full = {"code": "quota_exceeded", "message": "…", "need": 8 * 2**20, "have": 3 * 2**20}
    alice.page.route(
        "**/api/upload/chunk/register",
        lambda route: route.fulfill(status=507, json={"error": full}),
    )

    alice.upload(random_file(tmp_path, "film.mov", 2 * CHUNK))

    line = alice.in_tray("film.mov")
    expect(line).to_contain_text("not enough room: 8\u00a0MB are needed, 3\u00a0MB are left")
    expect(line.get_by_role("button", name="Retry")).to_be_visible()


def test_a_folder_that_was_trashed_meanwhile_is_named(alice, tmp_path):
    folder = alice.go_to_new_folder("trashed")
    gate = Gate(alice.page, passing=1)
    alice.upload(random_file(tmp_path, "film.mov", 3 * CHUNK))
    expect(alice.in_tray("film.mov")).to_contain_text("33%")

    alice.trash(folder)
    gate.open()

    expect(alice.in_tray("film.mov")).to_contain_text("The folder was trashed")
