"""What people do in a list: by keyboard, by mouse, in two tabs, and with JavaScript turned off."""

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.visitor import Visitor, random_file, visit

pytestmark = pytest.mark.e2e


def fill(visitor: Visitor, *names: str) -> str:
    """A folder on the screen, with folders of these names in it."""
    folder = visitor.go_to_new_folder("by hand")
    for name in names:
        visitor.folder(name, folder)
    visitor.page.reload()
    return folder


def link(visitor: Visitor, name: str) -> Locator:
    return visitor.row(name).locator("a.entry")


def selected(visitor: Visitor) -> list[str]:
    ticked = visitor.page.locator("tbody tr:has(:checked) .entry")
    return ticked.evaluate_all("links => links.map((link) => link.title)")


# -- the keyboard ----------------------------------------------------------------------------------


def test_arrows_walk_through_the_list_and_enter_opens(alice):
    fill(alice, "Ape", "Bee", "Cat")
    press = alice.page.keyboard.press

    press("ArrowDown")
    expect(link(alice, "Ape")).to_be_focused()
    press("ArrowDown")
    press("ArrowDown")
    press("ArrowDown")  # there is no further one
    expect(link(alice, "Cat")).to_be_focused()
    press("ArrowUp")
    press("Enter")

    expect(alice.page.get_by_role("heading", name="Bee")).to_be_visible()


def test_in_cards_arrows_walk_sideways_and_down(alice):
    folder = fill(alice, *(f"Folder {number:02}" for number in range(12)))
    alice.page.goto(f"{alice.url}/files/{folder}?view=grid")
    press = alice.page.keyboard.press

    press("ArrowRight")
    press("ArrowRight")
    expect(link(alice, "Folder 01")).to_be_focused()
    press("ArrowDown")
    below = alice.page.evaluate("() => document.activeElement.closest('tr').offsetLeft")

    assert below == alice.row("Folder 01").evaluate("row => row.offsetLeft")
    expect(link(alice, "Folder 01")).not_to_be_focused()


def test_lines_are_selected_by_keys(alice):
    fill(alice, "Ape", "Bee", "Cat", "Dog")
    press = alice.page.keyboard.press
    press("ArrowDown")

    press("x")
    assert selected(alice) == ["Ape"]
    press("Shift+ArrowDown")
    press("Shift+ArrowDown")
    assert selected(alice) == ["Ape", "Bee", "Cat"]
    press("Shift+ArrowUp")
    assert selected(alice) == ["Ape", "Bee"]
    press("Control+a")
    assert selected(alice) == ["Ape", "Bee", "Cat", "Dog"]
    expect(alice.page.get_by_text("4 of 4 items · 4 selected")).to_be_visible()
    press("Escape")
    assert selected(alice) == []


def test_f2_renames_in_place_and_says_why_a_name_is_refused(alice):
    folder = fill(alice, "Ape", "Bee")
    press, write = alice.page.keyboard.press, alice.page.keyboard.type
    press("ArrowDown")

    press("F2")
    write("Bee")
    press("Enter")
    expect(alice.page.get_by_role("alert")).to_contain_text("already a folder")
    press("Escape")
    expect(link(alice, "Ape")).to_be_focused()
    assert {entry["name"] for entry in alice.children(folder)} == {"Ape", "Bee"}
    press("F2")
    write("Ant")
    press("Enter")

    expect(link(alice, "Ant")).to_be_focused()
    assert {entry["name"] for entry in alice.children(folder)} == {"Ant", "Bee"}


def test_delete_throws_away_what_is_selected_and_undo_brings_it_back(alice):
    fill(alice, "Ape", "Bee", "Cat")
    press = alice.page.keyboard.press
    press("ArrowDown")
    press("x")
    press("Shift+ArrowDown")

    press("Delete")
    expect(alice.page.get_by_text("2 items are in the trash.")).to_be_visible()
    expect(alice.page.locator("tbody tr")).to_have_count(1)
    expect(link(alice, "Cat")).to_be_focused()
    alice.page.get_by_role("button", name="Undo").click()

    expect(alice.page.locator("tbody tr")).to_have_count(3)


def test_a_slash_searches(alice):
    fill(alice, "Aardvark in spring", "Bee")

    alice.page.keyboard.press("/")
    expect(alice.page.get_by_label("Search files")).to_be_focused()
    alice.page.keyboard.type("spring aard")
    alice.page.keyboard.press("Enter")

    expect(alice.page.get_by_role("heading", name="Search results")).to_be_visible()
    expect(alice.row("Aardvark in spring").first).to_be_visible()
    expect(alice.row("Bee")).to_have_count(0)


def test_a_question_mark_helps_and_single_keys_can_be_turned_off(alice):
    fill(alice, "Ape")
    alice.page.keyboard.press("?")
    dialog = alice.page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()

    dialog.get_by_label("Single letters and signs are shortcuts").uncheck()
    alice.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    alice.page.keyboard.press("ArrowDown")
    expect(link(alice, "Ape")).to_be_focused()
    alice.page.keyboard.press("?")
    alice.page.keyboard.press("x")
    alice.page.keyboard.press("/")

    expect(dialog).to_be_hidden()
    assert selected(alice) == []
    expect(link(alice, "Ape")).to_be_focused()


def test_a_key_right_after_a_dialog_was_closed_is_not_lost(alice):
    """Until the next frame the browser leaves the focus in the dialog that is gone."""
    fill(alice, "Ape")
    alice.page.keyboard.press("?")
    expect(alice.page.get_by_role("dialog")).to_be_visible()

    alice.page.evaluate("""() => {
        document.querySelector("dialog").close();
        const key = new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true });
        document.activeElement.dispatchEvent(key);
    }""")

    expect(link(alice, "Ape")).to_be_focused()


# -- the mouse -------------------------------------------------------------------------------------


def test_clicks_select_alone_with_ctrl_as_well_and_with_shift_all_between(alice):
    fill(alice, "Ape", "Bee", "Cat", "Dog")
    beside = {"position": {"x": 600, "y": 20}}  # the line, not the name in it

    alice.row("Ape").click(**beside)
    assert selected(alice) == ["Ape"]
    alice.row("Cat").click(**beside, modifiers=["Control"])
    assert selected(alice) == ["Ape", "Cat"]
    alice.row("Dog").click(**beside, modifiers=["Shift"])
    assert selected(alice) == ["Cat", "Dog"]
    alice.row("Bee").click(**beside)
    assert selected(alice) == ["Bee"]
    alice.page.get_by_role("checkbox", name="Select all").check()
    assert len(selected(alice)) == 4
    alice.page.get_by_role("button", name="Clear the selection").click()
    assert selected(alice) == []


def test_what_is_selected_is_dragged_into_a_folder(alice):
    fill(alice, "Ape", "Bee", "Cat")
    alice.row("Ape").get_by_role("checkbox").check()
    alice.row("Bee").get_by_role("checkbox").check()

    alice.row("Bee").drag_to(alice.row("Cat"))

    expect(alice.page.get_by_text("2 items were moved")).to_be_visible()
    expect(alice.page.locator("tbody tr")).to_have_count(1)
    inside = alice.children(alice.entry("Cat"))
    assert {entry["name"] for entry in inside} == {"Ape", "Bee"}


def test_a_line_is_dragged_onto_a_folder_above_and_onto_the_trash(alice):
    folder = fill(alice, "Inner")
    for name in ("Ape", "Bee"):
        alice.folder(name, alice.entry("Inner"))
    link(alice, "Inner").click()
    expect(alice.page.get_by_role("heading", name="Inner")).to_be_visible()

    alice.row("Ape").drag_to(alice.page.locator(f".crumbs [data-into='{folder}']"))
    expect(alice.row("Ape")).to_have_count(0)
    alice.row("Bee").drag_to(alice.page.locator("[data-trash]"))

    expect(alice.page.get_by_text("“Bee” is in the trash.")).to_be_visible()
    assert {entry["name"] for entry in alice.children(folder)} == {"Ape", "Inner"}


def test_the_dialog_of_moving_walks_through_folders(alice):
    fill(alice, "Ape", "Bee")
    alice.folder("Bee’s own", alice.entry("Bee"))

    alice.choose("Ape", "Move")
    dialog = alice.page.get_by_role("dialog", name="Move “Ape”")
    expect(dialog.get_by_role("button", name="Move here")).to_be_disabled()  # it is here already
    dialog.get_by_role("button", name="Bee", exact=True).click()
    dialog.get_by_role("button", name="Bee’s own").click()
    expect(dialog.get_by_text("There are no folders in here.")).to_be_visible()
    dialog.get_by_role("button", name="Move here").click()

    expect(alice.row("Ape")).to_have_count(0)
    [inner] = alice.children(alice.entry("Bee"))
    assert [entry["name"] for entry in alice.children(inner["id"])] == ["Ape"]


def test_copying_leaves_the_first_where_it_is(alice):
    folder = fill(alice, "Ape", "Bee")

    alice.choose("Ape", "Copy")
    dialog = alice.page.get_by_role("dialog", name="Copy “Ape”")
    dialog.get_by_role("button", name="Bee", exact=True).click()
    expect(dialog.get_by_text("There are no folders in here.")).to_be_visible()
    dialog.get_by_role("button", name="Copy here").click()

    expect(alice.page.get_by_text("“Ape” was added to “Bee”.")).to_be_visible()
    assert {entry["name"] for entry in alice.children(folder)} == {"Ape", "Bee"}
    assert [entry["name"] for entry in alice.children(alice.entry("Bee"))] == ["Ape"]


# -- two tabs --------------------------------------------------------------------------------------


def test_what_is_done_in_one_tab_shows_in_the_other_which_keeps_its_place(alice, tmp_path):
    fill(alice, "Ape", "Bee", "Cat")
    other = Visitor(alice.context, alice.context.new_page(), alice.url)
    other.listen()
    other.page.goto(alice.page.url)
    other.row("Cat").get_by_role("checkbox").check()
    link(other, "Cat").focus()

    alice.choose("Ape", "Move to trash")
    expect(other.row("Ape")).to_have_count(0)
    alice.upload(random_file(tmp_path, "a.bin", 10))
    expect(other.row("a.bin")).to_be_visible()

    assert selected(other) == ["Cat"]
    expect(link(other, "Cat")).to_be_focused()
    assert other.complaints == []


def test_the_theme_changes_in_every_tab_at_once_and_stays(alice):
    fill(alice)
    other = alice.context.new_page()
    other.goto(alice.page.url)

    alice.page.locator("summary.avatar").click()
    alice.page.get_by_role("button", name="Dark").click()

    expect(other.locator("html")).to_have_attribute("data-theme", "dark")
    alice.page.reload()
    expect(alice.page.locator("html")).to_have_attribute("data-theme", "dark")


# -- without JavaScript ----------------------------------------------------------------------------


@pytest.fixture
def plain(browser, server):
    """alice, in a browser that runs no scripts."""
    visitor = visit(browser, server.url, java_script_enabled=False)
    yield visitor
    visitor.context.close()


def test_without_javascript_a_selection_is_moved_copied_and_thrown_away(plain):
    folder = fill(plain, "Ape", "Bee", "Cat")
    page = plain.page

    plain.row("Ape").get_by_role("checkbox").check()
    plain.row("Bee").get_by_role("checkbox").check()
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_role("button", name="Cat", exact=True).click()
    page.get_by_role("button", name="Move here").click()
    expect(page.get_by_text("2 items were moved")).to_be_visible()
    plain.row("Cat").get_by_role("checkbox").check()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_role("button", name="My files", exact=True).click()
    page.get_by_role("button", name="Copy here").click()
    expect(page.get_by_text("“Cat” was added to “My files”.")).to_be_visible()
    page.goto(f"{plain.url}/files/{folder}")
    plain.row("Cat").get_by_role("checkbox").check()
    page.get_by_role("button", name="Trash", exact=True).click()
    expect(page.get_by_text("“Cat” is in the trash.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()

    inside = plain.children(plain.entry("Cat"))
    assert {entry["name"] for entry in inside} == {"Ape", "Bee"}


def test_without_javascript_the_view_and_the_theme_are_kept(plain):
    folder = fill(plain, "Ape")
    page = plain.page

    page.get_by_role("link", name="Grid").first.click()
    expect(page.locator(".files.cards")).to_be_visible()
    page.locator("summary.avatar").click()
    page.get_by_role("button", name="Dark").click()

    page.goto(f"{plain.url}/files/{folder}")
    expect(page.locator(".files.cards")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_javascript_a_search_finds_and_leads_to_the_folder(plain):
    fill(plain, "Zebra crossing")

    plain.page.get_by_label("Search files").fill("crossing")
    plain.page.get_by_label("Search files").press("Enter")
    plain.row("Zebra crossing").first.get_by_role("link", name="by hand").click()

    expect(plain.row("Zebra crossing")).to_be_visible()
