"""Somebody without an account sends files by a link: many, large ones, over a bad connection."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import (
    CHUNK,
    Gate,
    Visitor,
    answer_first_puts,
    random_file,
    tree_on_disk,
)

pytestmark = pytest.mark.e2e


@pytest.fixture
def inbox(alice) -> tuple[str, str]:
    """A folder of alice's, and the address of a link that takes files into it."""
    folder = alice.folder(f"Inbox {os.urandom(4).hex()}")
    made = alice.call("POST", f"/api/files/{folder}/links", {"role": "upload"})
    return folder, made["url"]


@pytest.fixture
def dora(browser: Browser, alice, inbox) -> Iterator[Visitor]:
    """She has come by the link, in a browser that knows nobody."""
    context = browser.new_context()
    visitor = Visitor(context, context.new_page(), alice.url)
    visitor.listen()
    visitor.page.goto(inbox[1])
    visitor.page.get_by_label("Your name").fill("Dora")
    visitor.page.get_by_role("button", name="Continue").click()
    expect(visitor.page.get_by_role("button", name="Choose files")).to_be_visible()
    yield visitor
    context.close()
    assert visitor.complaints == []


def sent_to(alice: Visitor, folder: str) -> dict[str, bytes | None]:
    """What is in the one folder that Dora's visit has."""
    [own] = alice.children(folder)
    assert own["name"].startswith("Dora ")
    return alice.tree(own["id"])


def test_many_files_and_a_folder_arrive_side_by_side_in_one_folder(alice, inbox, dora, tmp_path):
    top = tmp_path / "Holiday"
    (top / "deeper").mkdir(parents=True)
    for number in range(5):
        (top / ("deeper" if number % 2 else ".") / f"{number}.txt").write_bytes(b"%d" % number)
    (top / "deeper" / "0.txt").write_bytes(b"another")
    film = random_file(tmp_path, "film.mov", 3 * CHUNK + 5)

    dora.drop(top, film)

    expect(dora.page.get_by_role("heading", name="7 of 7 uploaded")).to_be_visible()
    expect(dora.page.get_by_text("7 files have arrived")).to_be_visible()
    expect(dora.page.locator(".sent li")).to_have_count(7)
    files = [data for data in tree_on_disk(top).values() if data is not None]
    arrived = sent_to(alice, inbox[0])
    assert sorted(arrived.values()) == sorted([*files, film.read_bytes()])
    assert {"0.txt", "0 (1).txt", "film.mov"} <= set(arrived)
    assert not dora.context.request.get(f"{dora.url}/api/files/{inbox[0]}").ok


def test_a_later_visit_to_the_page_goes_on_in_the_same_folder(alice, inbox, dora, tmp_path):
    for name in ("a.txt", "b.txt"):
        dora.page.get_by_label("Files to send").set_input_files(random_file(tmp_path, name, 9))
        expect(dora.page.get_by_text(f"“{name}” has arrived.")).to_be_visible()
        dora.page.reload()
        expect(dora.page.locator(".sent")).to_contain_text(name)

    assert set(sent_to(alice, inbox[0])) == {"a.txt", "b.txt"}


def test_a_lost_connection_is_borne_and_nothing_is_sent_twice(alice, inbox, dora, tmp_path):
    film = random_file(tmp_path, "film.mov", 6 * CHUNK)
    gate = Gate(dora.page, passing=2)
    dora.drop(film)
    expect(dora.in_tray("film.mov")).to_contain_text("33%")
    for held in gate.held:
        held.abort()
    gate.held.clear()
    expect(dora.in_tray("film.mov")).to_contain_text("connection lost, continues by itself")
    gate.open()

    expect(dora.in_tray("film.mov")).to_contain_text("Done, verified")
    assert sent_to(alice, inbox[0]) == {"film.mov": film.read_bytes()}
    assert len({re.sub(r"\?.*", "", url) for url in dora.puts}) == 6


def test_each_file_that_is_refused_says_why(alice, inbox, dora, tmp_path):
    bad, good = random_file(tmp_path, "b\\d.txt", 9), random_file(tmp_path, "good.txt", 9)
    full = {"error": {"code": "storage_full", "message": "The storage is full."}}
    answer_first_puts(dora.page, 1, status=507, json=full)

    dora.page.get_by_label("Files to send").set_input_files([bad, good])

    expect(dora.in_tray("b\\d.txt")).to_contain_text("This name can't be used")
    expect(dora.in_tray("good.txt")).to_contain_text("The storage is full.")
    dora.page.get_by_role("button", name="Retry good.txt").click()
    expect(dora.in_tray("good.txt")).to_contain_text("Done, verified")
    assert set(sent_to(alice, inbox[0])) == {"good.txt"}


def test_who_comes_after_the_link_was_revoked_is_told(alice, inbox, dora, tmp_path):
    [link] = alice.call("GET", f"/api/files/{inbox[0]}/links")["results"]
    alice.context.request.delete(
        f"{alice.url}/api/links/{link['id']}",
        headers={
            "X-CSRFToken": next(
                c["value"] for c in alice.context.cookies() if c["name"] == "csrftoken"
            )
        },
    )

    dora.drop(random_file(tmp_path, "late.txt", 9))

    expect(dora.in_tray("late.txt")).to_contain_text("Your visit is over.")
    assert dora.puts == []
