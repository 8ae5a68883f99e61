"""Every state of the pages that has a name, and how a person gets there. The pictures and the tests
of looks go through all of them: a new state is named here, and nowhere else.
"""

import itertools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, expect

from tests.e2e.cast import PASSWORD
from tests.e2e.looks.demo import LONG, Demo
from tests.e2e.visitor import CHUNK, PUTS, TRAY, Gate, Visitor

CHUNKS = "**/d/chunk/**"
SENDING_SOME = re.compile(r"Sending chunk \d+ to \d+ of 24")
SENDING = re.compile(r"Sending chunk \d+ to 1\d of 24")


@dataclass(frozen=True)
class Stage:
    """Where a state is put on: alice's browser, what there is to see, a place for files."""

    visitor: Visitor
    demo: Demo
    disk: Path

    def go(self, path: str) -> None:
        self.visitor.page.goto(self.visitor.url + path)

    def go_to(self, folder: str) -> None:
        self.go(f"/files/{folder}")

    def film(self, name: str, chunks: int) -> Path:
        """A file whose chunks all differ, and which takes no room on the disk."""
        path = self.disk / name
        with path.open("wb") as file:
            for index in range(chunks):
                file.seek(index * CHUNK)
                file.write(os.urandom(16))
            file.truncate(chunks * CHUNK - 1000)
        return path

    def press(self, keys: str) -> None:
        self.visitor.page.keyboard.press(keys)

    @property
    def tray(self) -> Locator:
        return self.visitor.page.get_by_role("region", name=TRAY)

    @property
    def dialog(self) -> Locator:
        return self.visitor.page.get_by_role("dialog")


_DAYS: Final = itertools.count(1)

STATES: Final[dict[str, Callable[[Stage], None]]] = {}


def state(act: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """Named after its function."""
    STATES[act.__name__.replace("_", "-")] = act
    return act


# -- lists -----------------------------------------------------------------------------------------


@state
def files(stage: Stage) -> None:
    stage.go_to(stage.demo.film)


@state
def grid(stage: Stage) -> None:
    stage.go(f"/files/{stage.demo.film}?view=grid")


@state
def selection(stage: Stage) -> None:
    stage.go_to(stage.demo.film)
    _tick(stage, "interview-cut-07.mp4")
    _tick(stage, "harbour-dawn.heic")


@state
def grid_selection(stage: Stage) -> None:
    stage.go(f"/files/{stage.demo.film}?view=grid")
    _tick(stage, "interview-cut-07.mp4")


@state
def odd_names(stage: Stage) -> None:
    stage.go_to(stage.demo.odd)


@state
def odd_names_grid(stage: Stage) -> None:
    stage.go(f"/files/{stage.demo.odd}?view=grid")


@state
def many_files(stage: Stage) -> None:
    stage.go_to(stage.demo.many)
    # What comes into view is pressed by the page itself: a click would race with that.
    stage.visitor.page.evaluate("document.querySelector('[data-more]')?.scrollIntoView()")
    expect(stage.visitor.page.locator("tbody tr")).to_have_count(120)


@state
def empty_folder(stage: Stage) -> None:
    stage.go_to(stage.demo.empty)


@state
def trash(stage: Stage) -> None:
    stage.go("/trash")


@state
def empty_trash(stage: Stage) -> None:
    stage.go(f"/trash?space={stage.demo.team}")


@state
def search(stage: Stage) -> None:
    stage.go("/search?q=interview")


@state
def shared(stage: Stage) -> None:
    stage.go("/shared")


@state
def share(stage: Stage) -> None:
    stage.go_to(stage.demo.film)
    stage.visitor.page.get_by_role("link", name="Share this folder").click()
    expect(stage.dialog).to_be_visible()


@state
def space(stage: Stage) -> None:
    stage.go_to(stage.demo.team_root)
    stage.visitor.page.get_by_title("More", exact=True).first.click()


@state
def new_space(stage: Stage) -> None:
    stage.go("/spaces/new")


@state
def share_link(stage: Stage) -> None:
    stage.go(f"/files/{stage.demo.film}/share")
    stage.visitor.page.get_by_text("Make a link", exact=True).click()
    stage.visitor.page.get_by_label("Password").scroll_into_view_if_needed()


@state
def space_not_empty(stage: Stage) -> None:
    stage.go(f"/spaces/{stage.demo.full_team}/delete")
    stage.visitor.page.get_by_role("button", name="Delete").click()
    expect(stage.visitor.page.get_by_role("alert")).to_be_visible()


@state
def link_door(stage: Stage) -> None:
    _visit(stage, "drop")


@state
def share_refused(stage: Stage) -> None:
    stage.go(f"/files/{stage.demo.film}/share")
    stage.visitor.page.get_by_label("Person or group").fill("nobody")
    stage.visitor.page.get_by_role("button", name="Share", exact=True).click()
    expect(stage.visitor.page.get_by_role("alert")).to_be_visible()


def _visit(stage: Stage, link: str) -> None:
    stage.visitor.page.goto(stage.demo.links[link])


@state
def link_folder(stage: Stage) -> None:
    _visit(stage, "folder")


@state
def link_file(stage: Stage) -> None:
    _visit(stage, "folder")
    stage.visitor.page.get_by_role("link", name="interview-cut-07.mp4").click()
    expect(stage.visitor.page.get_by_role("button", name="Download")).to_be_visible()


@state
def link_password(stage: Stage) -> None:
    _visit(stage, "secret")
    stage.visitor.page.get_by_label("Password").fill("wrong")
    stage.visitor.page.get_by_role("button", name="Continue").click()
    expect(stage.visitor.page.get_by_role("alert")).to_be_visible()


@state
def link_drop(stage: Stage) -> None:
    _enter(stage)
    expect(stage.visitor.page.get_by_role("button", name="Choose files")).to_be_visible()


@state
def link_drop_form(stage: Stage) -> None:
    """As it is without JavaScript."""
    stage.visitor.page.route("**/visit*.js", lambda route: route.abort())
    _enter(stage)
    name = stage.film("take 1 – the harbour at dawn, with rain and a very long name.mov", 1)
    stage.visitor.page.get_by_label("File", exact=True).set_input_files(name)
    stage.visitor.page.get_by_role("button", name="Send").click()
    expect(stage.visitor.page.get_by_text("has arrived.")).to_be_visible()


@state
def link_drop_sending(stage: Stage) -> None:
    """One has arrived, one is on its way, one was refused."""
    _enter(stage)
    page, field = stage.visitor.page, stage.visitor.page.get_by_label("Files to send")
    first = stage.film("take 1 – the harbour at dawn, with rain and a very long name.mov", 1)
    field.set_input_files(first)
    expect(page.get_by_text("has arrived.")).to_be_visible()
    Gate(page, passing=5)
    field.set_input_files([stage.film("take 2.mov", 24), _unnamable(stage)])
    expect(stage.visitor.in_tray("take 2.mov")).to_contain_text(SENDING_SOME)
    expect(stage.visitor.in_tray("what?\\.txt")).to_contain_text("name")


def _unnamable(stage: Stage) -> Path:
    """A name that no server takes."""
    path = stage.disk / "what?\\.txt"
    path.write_bytes(b"x")
    return path


def _enter(stage: Stage) -> None:
    _visit(stage, "drop")
    stage.visitor.page.get_by_role("button", name="Continue").click()


@state
def settings(stage: Stage) -> None:
    stage.go("/settings")
    stage.visitor.page.get_by_label("Name of a new one").fill("backup")
    stage.visitor.page.get_by_role("button", name="Make a token").click()
    expect(stage.visitor.page.get_by_role("status").get_by_text("Copy it now")).to_be_visible()


@state
def groups(stage: Stage) -> None:
    _group(stage, f"Camera {next(_DAYS)}")
    _group(stage, f"{LONG.removesuffix('.mov')} {next(_DAYS)}")
    stage.go("/groups")


@state
def group(stage: Stage) -> None:
    _group(stage, f"Sound department of the harbour film, second unit {next(_DAYS)}")
    for name in ("mara", "kenji", "nobody in particular"):
        stage.visitor.page.get_by_label("Add a person").fill(name)
        stage.visitor.page.get_by_role("button", name="Add", exact=True).click()
        stage.visitor.page.get_by_text(
            "There is nobody" if " " in name else f"{name} is in it now."
        ).wait_for()


@state
def group_delete(stage: Stage) -> None:
    _group(stage, f"Light {next(_DAYS)}")
    stage.visitor.page.get_by_role("link", name="Delete").click()
    expect(stage.dialog).to_contain_text("It has 0 members")


def _group(stage: Stage, name: str) -> None:
    stage.go("/groups/new")
    stage.visitor.page.get_by_label("Name of the group").fill(name)
    stage.visitor.page.get_by_role("button", name="Create").click()
    stage.visitor.page.get_by_role("heading", name=name, exact=True).wait_for()


@state
def link_gone(stage: Stage) -> None:
    stage.go("/s/AAAAAAAAAAAAAAAAAAAAAA")


@state
def no_results(stage: Stage) -> None:
    stage.go("/search?q=lighthouse+keeper")


# -- menus, dialogs, and what is said --------------------------------------------------------------


@state
def row_menu(stage: Stage) -> None:
    stage.go_to(stage.demo.film)
    stage.visitor.row("interview-cut-07.mp4").locator("summary").click()


@state
def account_menu(stage: Stage) -> None:
    stage.go_to(stage.demo.film)
    stage.visitor.page.locator("summary.avatar").click()


@state
def new_folder(stage: Stage) -> None:
    stage.go_to(stage.demo.film)
    stage.visitor.page.get_by_role("link", name="New folder").click()
    expect(stage.dialog).to_be_visible()


@state
def new_folder_refused(stage: Stage) -> None:
    new_folder(stage)
    stage.dialog.get_by_label("Name of the folder").fill("a/b")
    stage.press("Enter")
    expect(stage.dialog.get_by_role("alert")).to_be_visible()


@state
def rename(stage: Stage) -> None:
    stage.go_to(stage.demo.film)
    stage.visitor.choose("interview-cut-07.mp4", "Rename")
    expect(stage.visitor.page.get_by_label("Name", exact=True)).to_be_focused()


@state
def rename_refused(stage: Stage) -> None:
    rename(stage)
    stage.visitor.page.get_by_label("Name", exact=True).fill("thesis.pdf")
    stage.press("Enter")
    expect(stage.visitor.page.get_by_role("alert")).to_be_visible()


@state
def move(stage: Stage) -> None:
    stage.go_to(stage.demo.film)
    stage.visitor.choose(LONG, "Move")
    expect(stage.dialog).to_be_visible()


@state
def moved_to_trash(stage: Stage) -> None:
    page = stage.visitor.page
    stage.go_to(stage.demo.rushes)
    name = f"Leftovers {next(_DAYS)}"
    stage.visitor.folder(name, stage.demo.rushes)
    page.reload()
    stage.visitor.choose(name, "Move to trash")
    expect(page.get_by_text("is in the trash.")).to_be_visible()


@state
def no_answer(stage: Stage) -> None:
    page = stage.visitor.page
    stage.go_to(stage.demo.film)
    page.route("**/selection/trash", lambda route: route.abort())
    stage.visitor.choose("notes.md", "Move to trash")
    expect(page.get_by_text("There was no answer.")).to_be_visible()


@state
def dropping(stage: Stage) -> None:
    """Files are held over the page."""
    stage.go_to(stage.demo.film)
    transfer = stage.visitor.page.evaluate_handle(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["hello"], "dropped.txt"));
          return transfer;
        }"""
    )
    stage.visitor.page.dispatch_event("main", "dragover", {"dataTransfer": transfer})
    expect(stage.visitor.page.locator("html.dropping")).to_be_visible()


@state
def delete_for_good(stage: Stage) -> None:
    stage.go("/trash")
    stage.visitor.row("draft.md").get_by_role("link", name="Delete").click()
    expect(stage.dialog).to_be_visible()


@state
def shortcuts(stage: Stage) -> None:
    stage.go_to(stage.demo.film)
    stage.press("?")
    expect(stage.dialog).to_be_visible()


# -- pages without a list --------------------------------------------------------------------------


@state
def rename_page(stage: Stage) -> None:
    """As it is without JavaScript."""
    stage.go(f"/files/{stage.demo.film}/rename")


@state
def error_404(stage: Stage) -> None:
    stage.go("/files/0190c1c0-0000-7000-8000-000000000000")


@state
def sign_in(stage: Stage) -> None:
    stage.visitor.context.clear_cookies()
    stage.go("/login")


@state
def sign_in_refused(stage: Stage) -> None:
    sign_in(stage)
    stage.visitor.page.get_by_label("Name").fill("nobody in particular")
    stage.visitor.page.get_by_label("Password").fill("not the password")
    stage.press("Enter")
    expect(stage.visitor.page.get_by_role("alert")).to_be_visible()


@state
def second_step(stage: Stage) -> None:
    stage.go("/settings/second-step")


@state
def second_step_app(stage: Stage) -> None:
    """The password again, then the code to be scanned."""
    stage.go("/settings/second-step/app")
    if stage.visitor.page.get_by_label("Password").count():  # not asked twice in five minutes
        stage.visitor.page.get_by_label("Password").fill(PASSWORD)
        stage.press("Enter")
    expect(stage.visitor.page.get_by_role("img")).to_be_visible()


@state
def forgotten_password(stage: Stage) -> None:
    stage.visitor.context.clear_cookies()
    stage.go("/password/reset")


@state
def addresses(stage: Stage) -> None:
    stage.go("/settings/mail")


@state
def linked_accounts(stage: Stage) -> None:
    stage.go("/settings/linked")


@state
def confirm_access(stage: Stage) -> None:
    stage.go("/settings/confirm")
    expect(stage.visitor.page.get_by_label("Password")).to_be_visible()


# -- the tray --------------------------------------------------------------------------------------


@state
def tray_hashing(stage: Stage) -> None:
    _go_to_rushes(stage)
    stage.visitor.page.route("**/api/upload/**", lambda _: None)  # never answered
    _upload(stage, stage.film("interview-raw-08.mov", 24))
    expect(stage.tray).to_contain_text("Hashing")


@state
def tray_sending(stage: Stage) -> None:
    """As in the design: one on its way, one that is mostly here already, one done."""
    _upload_mixed(stage)


@state
def overview(stage: Stage) -> None:
    """All at once: uploads go on while their person walks to another folder."""
    page = stage.visitor.page
    _upload_mixed(stage)
    page.get_by_role("navigation", name="Folders above").get_by_text("Projects").click()
    stage.visitor.row("Harbour film").locator("a.entry").click()
    expect(page.get_by_role("heading", name="Harbour film")).to_be_visible()
    _tick(stage, "interview-cut-07.mp4")


@state
def tray_folded(stage: Stage) -> None:
    _upload_film(stage)
    stage.tray.get_by_role("button", name="Uploading").click()


@state
def tray_paused(stage: Stage) -> None:
    _upload_film(stage)
    stage.tray.get_by_role("button", name="Pause all").click()
    expect(stage.visitor.in_tray("interview-raw-08.mov")).to_contain_text("Paused")


@state
def tray_connection_lost(stage: Stage) -> None:
    _go_to_rushes(stage)
    stage.visitor.page.route(PUTS, lambda route: route.abort())
    _upload(stage, stage.film("sensor-log.csv", 8))
    expect(stage.tray).to_contain_text("Paused: connection lost, continues by itself")


@state
def tray_done(stage: Stage) -> None:
    _go_to_rushes(stage)
    film = stage.film("harbour-dawn.heic", 2)
    _upload(stage, film, stage.film("dusk.heic", 1))
    expect(stage.visitor.in_tray("dusk.heic")).to_contain_text("Done, verified")
    expect(stage.visitor.in_tray(film.name)).to_contain_text("Done, verified")
    _upload(stage, film)
    expect(stage.tray).to_contain_text("Already here, nothing was sent")


@state
def tray_failed(stage: Stage) -> None:
    _go_to_rushes(stage)
    full = {"error": {"code": "storage_full", "message": "The storage is full."}}
    stage.visitor.page.route(PUTS, lambda route: route.fulfill(status=507, json=full))
    _upload(stage, stage.film("drone-pass-3.mov", 5), stage.film(LONG, 2))
    expect(stage.tray.get_by_role("button", name="Retry all that failed")).to_be_visible()


@state
def tray_downloading(stage: Stage) -> None:
    stage.visitor.context.add_init_script(
        """window.showSaveFilePicker = async ({ suggestedName: name }) =>
          (await navigator.storage.getDirectory()).getFileHandle(name, { create: true });"""
    )
    stage.go_to(stage.demo.film)
    Gate(stage.visitor.page, passing=2, chunks=CHUNKS)
    stage.visitor.row("thesis.pdf").locator("a.entry").click()
    expect(stage.visitor.in_tray("thesis.pdf")).to_contain_text("Fetching chunk 3 to 4 of 4")


@state
def tray_not_finished(stage: Stage) -> None:
    """After the page went away in the middle."""
    _upload_film(stage)
    stage.visitor.page.once("dialog", lambda dialog: dialog.accept())
    stage.visitor.page.reload()
    expect(stage.tray).to_contain_text("Not finished: drop it again to continue")


@state
def name_taken(stage: Stage) -> None:
    stage.go_to(stage.demo.film)
    _upload(stage, stage.film("harbour-dawn.heic", 1))
    expect(stage.dialog).to_contain_text("is here already")


@state
def cancel_all(stage: Stage) -> None:
    _upload_film(stage)
    stage.tray.get_by_role("button", name="Cancel all").click()
    expect(stage.dialog).to_be_visible()


def _go_to_rushes(stage: Stage) -> None:
    """A folder to upload into, which nobody has filled before."""
    stage.go_to(stage.visitor.folder(f"Rushes {next(_DAYS)}", stage.demo.rushes))


def _upload_film(stage: Stage) -> None:
    """One file that is on its way, and stays so."""
    _go_to_rushes(stage)
    Gate(stage.visitor.page, passing=9)
    _upload(stage, stage.film("interview-raw-08.mov", 24))
    expect(stage.visitor.in_tray("interview-raw-08.mov")).to_contain_text(SENDING)


def _upload_mixed(stage: Stage) -> None:
    """A film on its way, one that is mostly here already, and one that is done."""
    _go_to_rushes(stage)
    page, first = stage.visitor.page, stage.film("drone-pass-1.mov", 10)
    _upload(stage, first)
    expect(stage.visitor.in_tray(first.name)).to_contain_text("Done, verified")
    with first.open("r+b") as file:
        for index in (0, 8):
            file.seek(index * CHUNK)
            file.write(os.urandom(16))
    second = first.rename(first.with_name("drone-pass-2.mov"))
    Gate(page, passing=1)
    _upload(stage, second)
    expect(stage.visitor.in_tray(second.name)).to_contain_text("89%")  # all but the held one
    Gate(page, passing=9)
    _upload(stage, stage.film("interview-raw-08.mov", 24))
    expect(stage.visitor.in_tray("interview-raw-08.mov")).to_contain_text(SENDING)


def _tick(stage: Stage, name: str) -> None:
    stage.visitor.row(name).get_by_role("checkbox").check()


def _upload(stage: Stage, *files: Path) -> None:
    field = stage.visitor.page.get_by_label("Files to upload")
    field.set_input_files([str(file) for file in files])
