"""Folders, and many files at once: the structure is kept, nothing is made twice, names are asked
about once.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Server
from tests.e2e.visitor import CHUNK, TRAY, Gate, Visitor, random_file, tree_on_disk, visit

pytestmark = pytest.mark.e2e


def holiday(directory: Path, files: int) -> Path:
    """A folder with files on three levels, an empty one, and names that need care."""
    top = directory / "Holiday"
    places = [top, top / "東京 shoot", top / "東京 shoot" / "Zoë’s"]
    for place in [*places, top / "empty" / "emptier"]:
        place.mkdir(parents=True)
    for number in range(files):
        name = f"image {number:03}.jpg"
        (places[number % 3] / name).write_bytes(os.urandom(number * 37))
    return top


def all_done(visitor: Visitor, count: int) -> None:
    heading = visitor.page.get_by_role("heading", name=f"{count} of {count} uploaded")
    expect(heading).to_be_visible()


def test_a_dropped_folder_of_300_files_arrives_whole(alice, tmp_path):
    dropped = holiday(tmp_path, 300)
    folder = alice.go_to_new_folder("three hundred")

    alice.drop(dropped)

    all_done(alice, 300 + len(["Holiday", "東京 shoot", "Zoë’s", "empty", "emptier"]))
    assert alice.tree(folder) == tree_on_disk(dropped)
    expect(alice.row("Holiday")).to_be_visible()


def test_a_picked_folder_keeps_its_structure(alice, tmp_path):
    picked = holiday(tmp_path, 9)
    folder = alice.go_to_new_folder("picked")

    with alice.page.expect_file_chooser() as chooser:
        alice.page.get_by_role("button", name="Upload folder").click()
    chooser.value.set_files(str(picked))

    all_done(alice, 9)  # a browser's dialog passes no empty folders on
    expected = {path: data for path, data in tree_on_disk(picked).items() if "empt" not in path}
    assert alice.tree(folder) == expected


def test_files_and_folders_dropped_together_go_side_by_side(alice, tmp_path):
    dropped = holiday(tmp_path, 3)
    loose = random_file(tmp_path, "loose.bin", 1000)
    folder = alice.go_to_new_folder("mixed")

    alice.drop(dropped, loose)

    all_done(alice, 1 + 3 + 5)
    assert alice.tree(folder) == tree_on_disk(dropped) | {"loose.bin": loose.read_bytes()}


def test_a_folder_that_is_there_already_is_filled_up(alice, tmp_path):
    dropped = holiday(tmp_path, 6)
    folder = alice.go_to_new_folder("again")
    alice.drop(dropped)
    all_done(alice, 11)
    (dropped / "one more.txt").write_bytes(b"one more")

    alice.drop(dropped)

    all_done(alice, 11 + 12)
    assert alice.tree(folder) == tree_on_disk(dropped)
    tray = alice.page.get_by_role("region", name=TRAY)
    expect(tray.get_by_text("Already here, nothing was sent")).to_have_count(6)


def test_hundreds_of_small_files_take_a_few_requests(alice, tmp_path):
    top = tmp_path / "Notes"
    top.mkdir()
    for number in range(400):
        (top / f"{number}.md").write_bytes(os.urandom(number * 10))
    folder = alice.go_to_new_folder("packs")
    requests: list[str] = []
    alice.page.on("request", lambda request: requests.append(request.url))

    alice.drop(top)

    all_done(alice, 401)
    assert alice.tree(folder) == tree_on_disk(top)
    calls = [url for url in requests if "/api/upload/" in url]
    assert len(calls) <= 6  # two or three packs, and what was found last on its own


def test_two_tabs_that_drop_the_same_folder_at_once_make_it_once(
    browser: Browser, server: Server, tmp_path: Path
):
    dropped = holiday(tmp_path, 12)
    first = visit(browser, server.url)
    folder = first.go_to_new_folder("two tabs")
    second = Visitor(first.context, first.context.new_page(), server.url)
    second.listen()
    second.page.goto(f"{server.url}/files/{folder}")

    first.drop(dropped)
    second.drop(dropped)

    all_done(first, 12 + 5)
    all_done(second, 12 + 5)
    assert first.tree(folder) == tree_on_disk(dropped)
    first.context.close()
    assert first.complaints == second.complaints == []


def test_thousands_of_files_leave_the_page_small_and_are_counted(alice, tmp_path):
    top = tmp_path / "Archive"
    top.mkdir()
    for number in range(3000):
        (top / f"{number}.txt").write_bytes(b"")
    alice.go_to_new_folder("thousands")
    alice.page.route("**/api/upload/**", lambda route: route.abort())  # nothing gets anywhere

    alice.drop(top)

    tray = alice.page.get_by_role("region", name=TRAY)
    expect(tray.get_by_role("heading", name="of 3,001")).to_be_visible()
    expect(tray).to_contain_text("more:")
    assert tray.get_by_role("listitem").count() <= 30
    alice.page.get_by_role("button", name="Cancel all").click()
    alice.page.get_by_role("dialog").get_by_role("button", name="Cancel all").click()
    expect(tray.get_by_role("button", name="Close")).to_be_visible()


def test_a_taken_name_is_asked_about_once_for_all(alice, tmp_path):
    files = [random_file(tmp_path, f"{name}.txt", 10) for name in "abc"]
    folder = alice.go_to_new_folder("conflicts")
    alice.upload(*files)
    all_done(alice, 3)
    for file in files:
        file.write_bytes(b"other " + file.name.encode())

    alice.upload(*files)

    dialog = alice.page.get_by_role("dialog")
    expect(dialog).to_contain_text("is here already")
    dialog.get_by_label("Do the same for all").check()
    dialog.get_by_role("button", name="New version").click()
    all_done(alice, 6)
    assert alice.tree(folder) == {file.name: file.read_bytes() for file in files}
    versions = alice.call("GET", f"/api/files/{alice.entry('a.txt')}/versions")["results"]
    assert [version["number"] for version in versions] == [2, 1]


def test_both_files_of_a_name_can_be_kept_and_one_be_left_out(alice, tmp_path):
    files = [random_file(tmp_path, name, 10) for name in ("a.txt", "b.txt")]
    folder = alice.go_to_new_folder("keep")
    alice.upload(*files)
    all_done(alice, 2)
    old = {file.name: file.read_bytes() for file in files}
    for file in files:
        file.write_bytes(b"new " + file.name.encode())
    dialog = alice.page.get_by_role("dialog")

    alice.upload(files[0])
    dialog.get_by_role("button", name="Keep both").click()
    expect(alice.in_tray("a.txt").nth(1)).to_contain_text("Done, verified, as “a (1).txt”")
    alice.upload(files[1])
    expect(dialog).to_contain_text("“b.txt” is here already")
    alice.page.keyboard.press("Escape")
    expect(alice.in_tray("b.txt").nth(1)).to_contain_text("Skipped: the name is taken")

    assert alice.tree(folder) == old | {"a (1).txt": b"new a.txt"}


def test_a_file_is_kept_beside_a_folder_of_its_name(alice, tmp_path):
    folder = alice.go_to_new_folder("beside")
    alice.folder("Notes", folder)

    alice.upload(random_file(tmp_path, "notes", 10))

    dialog = alice.page.get_by_role("dialog")
    expect(dialog).to_contain_text("A folder has this name")
    expect(dialog.get_by_role("button", name="New version")).to_have_count(0)
    dialog.get_by_role("button", name="Keep both").click()
    expect(alice.in_tray("notes")).to_contain_text("as “notes (1)”")


def test_a_folder_where_a_file_has_its_name_says_so(alice, tmp_path):
    folder = alice.go_to_new_folder("in the way")
    alice.upload(random_file(tmp_path, "Holiday", 10))
    expect(alice.in_tray("Holiday")).to_contain_text("Done")
    (tmp_path / "drop").mkdir()
    dropped = holiday(tmp_path / "drop", 1)

    alice.drop(dropped)

    line = alice.in_tray("Holiday/image 000.jpg")
    expect(line).to_contain_text("A file called “Holiday” is where the folder should be.")
    assert [entry["type"] for entry in alice.children(folder)] == ["file"]


def test_a_name_that_cannot_be_used_is_explained(alice, tmp_path):
    alice.go_to_new_folder("names")

    alice.drop(random_file(tmp_path, "back\\slash.txt", 10), random_file(tmp_path, "ok.txt", 10))

    failed = alice.page.get_by_role("listitem").filter(has_text="This name can't be used")
    expect(failed).to_contain_text("which separates folders")
    expect(alice.in_tray("ok.txt")).to_contain_text("Done, verified")


def test_a_picture_is_pasted_under_a_name_of_its_own(alice):
    alice.go_to_new_folder("paste")

    alice.page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["picture"], "image.png", { type: "image/png" }));
          document.body.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
          );
        }"""
    )

    expect(alice.page.locator("tbody tr").filter(has_text="Pasted 20")).to_have_count(1)


def test_files_of_one_chunk_go_several_at_once(alice, tmp_path):
    alice.go_to_new_folder("at once")
    gate = Gate(alice.page, passing=0)

    alice.upload(*[random_file(tmp_path, f"{number}.txt", 100_000) for number in range(8)])

    tray = alice.page.get_by_role("region", name=TRAY)
    expect(tray.get_by_text("Sending", exact=True)).to_have_count(4)
    gate.open()
    all_done(alice, 8)


def test_small_files_pass_a_large_one_that_holds_the_line(alice, tmp_path):
    alice.go_to_new_folder("pass")
    gate = Gate(alice.page, passing=0)
    alice.upload(random_file(tmp_path, "film.mov", 5 * CHUNK))
    expect(alice.in_tray("film.mov")).to_contain_text("Sending chunk 1 to 4 of 5")

    alice.upload(*[random_file(tmp_path, f"{number}.txt", 10) for number in range(8)])

    for number in range(8):
        expect(alice.in_tray(f"{number}.txt")).to_contain_text("Done, verified")
    gate.open()
    all_done(alice, 9)
