"""The pages in a real Chromium, against the real server."""

import pytest
from playwright.sync_api import expect

from tests.e2e.visitor import (
    CHUNK,
    LAN_HOST,
    PUTS,
    TRAY,
    Gate,
    answer_first_puts,
    random_file,
    visit,
)

pytestmark = pytest.mark.e2e


def test_a_large_file_goes_up_with_progress_and_comes_down_bit_for_bit(alice, tmp_path):
    file = random_file(tmp_path, "film.mov", 50 * 10**6)
    alice.go_to_new_folder("large")
    gate = Gate(alice.page, passing=6)

    alice.upload(file)

    line = alice.in_tray("film.mov")
    expect(line).to_contain_text("Sending")
    expect(line.get_by_text("50%")).to_be_visible()  # 6 of 12 chunks
    assert 49 < line.get_by_role("progressbar").evaluate("bar => bar.value") < 51

    gate.open()

    expect(line).to_contain_text("Done, verified")
    expect(alice.row("film.mov")).to_contain_text("47.7")
    assert alice.download("film.mov", tmp_path) == file.read_bytes()
    assert len(alice.puts) == 12


def test_several_files_go_up_together_and_appear_one_by_one(alice, tmp_path):
    sizes = {"empty.txt": 0, "few.bin": 19, "one.bin": CHUNK, "two.bin": CHUNK + 19, "x.md": 900}
    files = [random_file(tmp_path, name, size) for name, size in sizes.items()]
    folder = alice.go_to_new_folder("several")

    alice.upload(*files)

    expect(alice.page.get_by_role("heading", name="5 of 5 uploaded")).to_be_visible()
    for file in files:
        expect(alice.in_tray(file.name)).to_contain_text("Done, verified")
        expect(alice.row(file.name)).to_be_visible()
    shown = alice.call("GET", f"/api/files/{folder}/children")["results"]
    assert {entry["name"]: entry["size"] for entry in shown} == sizes
    alice.page.get_by_role("button", name="Close").click()
    expect(alice.page.get_by_role("region", name=TRAY)).to_be_hidden()


def test_what_is_here_already_is_said_and_not_sent(alice, tmp_path):
    file = random_file(tmp_path, "thesis.pdf", 2 * CHUNK + 99)
    alice.go_to_new_folder("again")
    alice.upload(file)
    expect(alice.in_tray("thesis.pdf")).to_contain_text("Done, verified")
    assert len(alice.puts) == 3

    alice.upload(file)

    second = alice.in_tray("thesis.pdf").nth(1)
    expect(second).to_contain_text("Already here, nothing was sent")
    assert (
        len(alice.call("GET", f"/api/files/{alice.entry('thesis.pdf')}/versions")["results"]) == 1
    )
    assert len(alice.puts) == 3


def test_files_may_be_dropped_anywhere(alice):
    alice.go_to_new_folder("drop")
    transfer = alice.page.evaluate_handle(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["hello"], "dropped.txt", { type: "text/plain" }));
          return transfer;
        }"""
    )

    alice.page.dispatch_event("main", "drop", {"dataTransfer": transfer})

    expect(alice.in_tray("dropped.txt")).to_contain_text("Done, verified")
    expect(alice.row("dropped.txt")).to_be_visible()


def test_an_upload_outlives_a_killed_server(browser, start_server, tmp_path):
    server = start_server()
    visitor = visit(browser, server.url)
    file = random_file(tmp_path, "film.mov", 40 * 10**6)
    visitor.go_to_new_folder("kill")
    gate = Gate(visitor.page, passing=4)
    visitor.upload(file)
    expect(visitor.in_tray("film.mov")).to_contain_text("41%")  # 4 of 10 chunks are there

    server.kill()
    gate.open()

    expect(visitor.in_tray("film.mov")).to_contain_text(
        "Paused: connection lost, continues by itself"
    )

    start_server(server.home, RAPIDSERVE_PORT=str(server.port))

    expect(visitor.in_tray("film.mov")).to_contain_text("Done, verified")
    expect(visitor.row("film.mov")).to_be_visible()
    assert visitor.download("film.mov", tmp_path) == file.read_bytes()
    visitor.context.close()
    assert visitor.complaints == []


def test_an_upload_goes_on_while_its_person_walks_around(alice, tmp_path):
    file = random_file(tmp_path, "film.mov", 3 * CHUNK)
    folder = alice.go_to_new_folder("walk")
    gate = Gate(alice.page, passing=1)
    alice.upload(file)
    expect(alice.in_tray("film.mov")).to_contain_text("33%")

    alice.page.get_by_role("link", name="Trash").click()
    expect(alice.page.get_by_role("heading", name="Trash")).to_be_visible()
    alice.page.go_back()
    expect(alice.page.locator(f'[data-folder="{folder}"]')).to_be_visible()
    gate.open()

    expect(alice.in_tray("film.mov")).to_contain_text("Done, verified")
    expect(alice.row("film.mov")).to_be_visible()


def test_leaving_asks_while_something_is_on_its_way(alice, tmp_path):
    alice.go_to_new_folder("leave")
    gate = Gate(alice.page, passing=0)
    alice.upload(random_file(tmp_path, "a.bin", 100))
    expect(alice.in_tray("a.bin")).to_contain_text("Sending")
    questions = []
    alice.page.on("dialog", lambda dialog: (questions.append(dialog.type), dialog.dismiss()))

    alice.page.evaluate("() => { location.href = '/login' }")
    gate.open()

    expect(alice.in_tray("a.bin")).to_contain_text("Done, verified")
    assert questions == ["beforeunload"]


def test_an_upload_that_failed_says_why_and_can_be_tried_again(alice, tmp_path):
    alice.go_to_new_folder("fail")
    full = {"error": {"code": "storage_full", "message": "The storage is full."}}
    alice.page.route(PUTS, lambda route: route.fulfill(status=507, json=full))
    alice.upload(random_file(tmp_path, "a.bin", CHUNK + 99))
    line = alice.in_tray("a.bin")
    expect(line).to_contain_text("The storage is full.")
    expect(line.get_by_role("button", name="Cancel")).to_be_hidden()

    alice.page.unroute(PUTS)
    line.get_by_role("button", name="Retry").click()

    expect(line).to_contain_text("Done, verified")


def test_an_address_that_expired_is_asked_for_again(alice, tmp_path):
    alice.go_to_new_folder("expired")
    expired = {"error": {"code": "token_expired", "message": "This address has expired."}}
    answer_first_puts(alice.page, 2, status=403, json=expired)

    alice.upload(random_file(tmp_path, "a.bin", CHUNK + 99))

    expect(alice.in_tray("a.bin")).to_contain_text("Done, verified")
    assert len(alice.puts) == 4


def test_a_busy_server_is_given_time(alice, tmp_path):
    alice.go_to_new_folder("busy")
    busy = {"error": {"code": "busy", "message": "The server is busy."}}
    answer_first_puts(alice.page, 1, status=503, json=busy, headers={"Retry-After": "1"})

    alice.upload(random_file(tmp_path, "a.bin", 10))

    expect(alice.in_tray("a.bin")).to_contain_text(
        "Paused: the server is busy, continues by itself"
    )
    expect(alice.in_tray("a.bin")).to_contain_text("Done, verified")


def test_chunks_that_the_server_misses_at_the_end_are_sent_again(alice, tmp_path):
    alice.go_to_new_folder("missing")
    # An answer that promises what did not happen: the first chunk is lost on the way.
    answer_first_puts(alice.page, 1, status=204)

    alice.upload(random_file(tmp_path, "a.bin", CHUNK + 99))

    expect(alice.in_tray("a.bin")).to_contain_text("Done, verified")
    assert len(alice.puts) == 3


def test_an_upload_can_be_paused_and_cancelled(alice, tmp_path):
    folder = alice.go_to_new_folder("pause")
    gate = Gate(alice.page, passing=1)
    alice.upload(random_file(tmp_path, "a.bin", 9 * CHUNK))
    line = alice.in_tray("a.bin")
    expect(line).to_contain_text("11%")

    line.get_by_role("button", name="Pause").click()
    gate.open()

    expect(line).to_contain_text("Paused")
    expect(line).to_contain_text("55%")  # the four that were under way have arrived
    line.get_by_role("button", name="Resume").click()
    expect(line).to_contain_text("Done, verified")

    gate = Gate(alice.page, passing=0)
    alice.upload(random_file(tmp_path, "b.bin", CHUNK))
    expect(alice.in_tray("b.bin")).to_contain_text("Sending")
    alice.in_tray("b.bin").get_by_role("button", name="Cancel").click()
    gate.open()

    expect(alice.in_tray("b.bin")).to_contain_text("Cancelled")
    shown = alice.call("GET", f"/api/files/{folder}/children")["results"]
    assert [entry["name"] for entry in shown] == ["a.bin"]


def test_a_folder_is_made_renamed_thrown_away_and_taken_back(alice):
    alice.go_to_new_folder("tree")
    page = alice.page
    page.get_by_text("New folder", exact=True).click()
    page.get_by_label("Name of the folder").fill("Docs")
    page.get_by_role("button", name="Create").click()
    expect(alice.row("Docs")).to_be_visible()

    alice.choose("Docs", "Rename")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.get_by_label("Name", exact=True).fill("a/b")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("alert")).to_contain_text("which separates folders")
    expect(page.get_by_label("Name", exact=True)).to_have_value("a/b")
    page.get_by_label("Name", exact=True).fill("Papers")
    page.get_by_role("button", name="Rename").click()
    expect(alice.row("Papers")).to_be_visible()

    alice.choose("Papers", "Move to trash")
    expect(page.get_by_text("“Papers” is in the trash.")).to_be_visible()
    expect(alice.row("Papers")).to_have_count(0)

    page.get_by_role("button", name="Undo").click()
    expect(alice.row("Papers")).to_be_visible()


def test_the_trash_gives_back_and_forgets(alice):
    folder = alice.go_to_new_folder("trash")
    for name in ("Keep", "Drop"):
        child = alice.folder(f"{name} {folder[-6:]}", folder)
        token = next(c["value"] for c in alice.context.cookies() if c["name"] == "csrftoken")
        alice.context.request.delete(
            f"{alice.url}/api/files/{child}", headers={"X-CSRFToken": token}
        )
    page = alice.page
    page.get_by_role("link", name="Trash").click()
    keep, drop = f"Keep {folder[-6:]}", f"Drop {folder[-6:]}"

    alice.row(keep).get_by_role("button", name="Restore").click()
    expect(alice.row(keep)).to_have_count(0)
    alice.row(drop).get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text(f"“{drop}” was deleted for good.")).to_be_visible()
    expect(alice.row(drop)).to_have_count(0)

    page.goto(f"{alice.url}/files/{folder}")
    expect(alice.row(keep)).to_be_visible()


def test_a_long_list_grows_and_keeps_its_place(alice, tmp_path):
    folder = alice.go_to_new_folder("many")
    for number in range(105):
        alice.folder(f"Folder {number:03}", folder)
    alice.page.reload()
    rows = alice.page.locator("tbody tr")
    expect(rows).to_have_count(100)

    alice.page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
    expect(rows).to_have_count(105)
    expect(alice.page.get_by_role("link", name="Show more")).to_have_count(0)
    expect(alice.page.get_by_text("105 of 105 items")).to_be_visible()
    alice.page.evaluate("() => window.scrollTo(0, document.body.scrollHeight / 2)")
    place = alice.page.evaluate("() => window.scrollY")
    # Straight into the field: on the way to the button the page would be scrolled.
    alice.page.get_by_label("Files to upload").set_input_files(
        str(random_file(tmp_path, "a.bin", 10))
    )

    expect(rows).to_have_count(106)
    assert alice.page.evaluate("() => window.scrollY") == place > 0


def test_everything_can_be_done_from_the_keyboard(alice, tmp_path):
    alice.go_to_new_folder("keys")
    page = alice.page
    page.get_by_text("New folder", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name of the folder")).to_be_focused()
    page.keyboard.type("Keys")
    page.keyboard.press("Enter")
    expect(alice.row("Keys")).to_be_visible()

    alice.row("Keys").locator("a.entry").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(alice.row("Keys").get_by_text("Rename")).to_be_visible()
    page.keyboard.press("Escape")
    expect(alice.row("Keys").get_by_text("Rename")).to_be_hidden()
    expect(alice.row("Keys").locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Keys” is in the trash.")).to_be_visible()

    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(alice.row("Keys")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload", exact=True).focus()
        page.keyboard.press("Enter")
    chooser.value.set_files(str(random_file(tmp_path, "a.bin", 10)))
    expect(alice.in_tray("a.bin")).to_contain_text("Done, verified")


def test_all_but_the_tray_works_without_javascript(browser, server, tmp_path):
    visitor = visit(browser, server.url, java_script_enabled=False)
    page = visitor.page
    visitor.go_to_new_folder("plain")
    file = random_file(tmp_path, "Zoë’s film.mov", 2 * CHUNK + 99)

    page.get_by_label("File to upload").set_input_files(str(file))
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_text("“Zoë’s film.mov” was uploaded.")).to_be_visible()
    assert visitor.download("Zoë’s film.mov", tmp_path) == file.read_bytes()
    visitor.choose("Zoë’s film.mov", "Rename")
    page.get_by_label("Name", exact=True).fill("film.mov")
    page.get_by_role("button", name="Rename").click()
    visitor.choose("film.mov", "Move to trash")
    expect(visitor.row("film.mov")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(visitor.row("film.mov")).to_be_visible()
    visitor.context.close()


def test_hashing_works_where_browsers_hide_their_own(browser, start_server, tmp_path):
    server = start_server(RAPIDSERVE_ALLOWED_HOSTS=LAN_HOST)
    visitor = visit(browser, f"http://{LAN_HOST}:{server.port}")
    assert visitor.page.evaluate("() => crypto.subtle === undefined")
    files = [random_file(tmp_path, "film.mov", CHUNK + 12_345)]
    files += [random_file(tmp_path, f"{number}.txt", number) for number in range(3)]

    visitor.upload(*files)

    expect(visitor.page.get_by_role("heading", name="4 of 4 uploaded")).to_be_visible()
    for file in files:
        assert visitor.download(file.name, tmp_path) == file.read_bytes()
    visitor.context.close()
    assert visitor.complaints == []


@pytest.mark.parametrize("width", [320, 390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_of_the_screen(browser, server, tmp_path, width, scheme):
    visitor = visit(
        browser, server.url, viewport={"width": width, "height": 844}, color_scheme=scheme
    )
    name = "a very long name " * 8 + "x" * 100
    inner = visitor.folder("Inner", visitor.go_to_new_folder("wide " + "x" * 150))
    child = visitor.folder(name.strip(), inner)
    visitor.page.goto(f"{visitor.url}/files/{inner}")
    visitor.upload(random_file(tmp_path, "y" * 200, 10))
    expect(visitor.in_tray("y" * 200)).to_contain_text("Done, verified")
    paths = [f"/files/{inner}", f"/files/{child}/rename", f"/files/{child}/trash", "/trash"]

    for path in paths:
        visitor.page.goto(visitor.url + path)
        room = visitor.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert room <= 0, path
    visitor.context.close()
