"""Doing something with several entries at once."""

import re

import pytest
from django.test import Client

from tests.files.web.conftest import names_on, text_of

SELECTION_FORMS = [
    "/selection/move",
    "/selection/copy",
    "/selection/trash",
    "/selection/restore",
    "/selection/remove",
]


@pytest.fixture
def folders(world) -> dict[str, str]:
    """Three folders at the top, and one that something can be put into."""
    return {name: world.alice.folder(name) for name in ("A", "B", "C", "Target")}


def test_several_are_thrown_away_together_and_taken_back_together(world, alice, folders):
    here = f"/files/{world.alice.root}"
    page = alice.post("/selection/trash", entry=[folders["A"], folders["B"]], next=here)

    assert names_on(page) == ["C", "Target"]
    assert "2 items are in the trash. Undo" in text_of(page)

    page = alice.post("/selection/restore", entry=[folders["A"], folders["B"]], next=here)

    assert names_on(page) == ["A", "B", "C", "Target"]
    assert "2 items were restored." in text_of(page)


def test_the_undo_of_several_holds_all_of_them_and_is_offered_once(world, alice, folders):
    page = alice.post("/selection/trash", entry=[folders["A"], folders["B"]])
    notice = page.content.decode().partition('class="notice')[2].partition("</form>")[0]

    assert re.findall(r'name="entry" value="([^"]+)"', notice) == [folders["A"], folders["B"]]
    assert "Undo" not in text_of(alice.get(page.redirect_chain[-1][0]))


def test_one_alone_is_called_by_its_name(alice, folders):
    page = alice.post("/selection/trash", entry=folders["A"])

    assert "“A” is in the trash. Undo" in text_of(page)


def test_after_throwing_away_one_is_where_one_was(world, alice, folders):
    here = f"/files/{world.alice.root}?sort=modified&order=desc"

    page = alice.post("/selection/trash", entry=folders["A"], next=here)

    assert page.redirect_chain[-1][0] == f"{here}&trashed={folders['A']}"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_nobody_is_sent_to_another_site(alice, folders, elsewhere):
    page = alice.post("/selection/trash", entry=folders["A"], next=elsewhere)

    assert page.redirect_chain[0][0].startswith("/?trashed=")


def test_the_folder_to_move_to_is_looked_for_step_by_step(world, alice, folders):
    inner = world.alice.folder("Inner", folders["Target"])

    first = alice.post("/selection/move", entry=[folders["A"], folders["B"]])
    second = alice.post("/selection/move", entry=folders["A"], into=folders["Target"])

    assert first.status_code == second.status_code == 200
    assert "Move 2 items" in text_of(first)
    assert f'name="into" value="{folders["Target"]}"' in first.content.decode()
    assert f'name="into" value="{inner}"' in second.content.decode()
    assert f'name="into" value="{world.alice.root}"' in second.content.decode()


def test_several_are_moved_together(world, alice, folders):
    page = alice.post(
        "/selection/move",
        entry=[folders["A"], folders["B"]],
        here=folders["Target"],
        next=f"/files/{folders['Target']}",
    )

    assert names_on(page) == ["A", "B"]
    assert "2 items were moved to “Target”." in text_of(page)
    assert world.alice.names() == ["C", "Target"]


def test_copies_stand_beside_what_they_are_copies_of(world, alice, folders):
    here = world.alice.root
    page = alice.post("/selection/copy", entry=folders["A"], here=here)

    assert "“A (1)” was added to “My files”." in text_of(page)
    assert world.alice.names() == ["A", "A (1)", "B", "C", "Target"]


def test_what_is_refused_is_said_beside_the_folders(world, alice, folders):
    world.alice.folder("A", folders["Target"])

    page = alice.post("/selection/move", entry=folders["A"], here=folders["Target"])

    assert page.status_code == 409
    assert "There is already a folder with this name." in text_of(page)
    assert "Move “A”" in text_of(page)
    assert world.alice.names() == ["A", "B", "C", "Target"]


def test_what_can_be_moved_is_moved_and_the_rest_is_said(world, alice, folders):
    world.alice.folder("A", folders["Target"])
    chosen = [folders["A"], folders["B"]]

    page = alice.post("/selection/move", entry=chosen, here=folders["Target"])

    assert "“B” was moved to “Target”." in text_of(page)
    assert "There is already a folder with this name." in text_of(page)
    assert world.alice.names() == ["A", "C", "Target"]


def test_a_folder_can_not_be_chosen_as_its_own_place(world, alice, folders):
    inside = world.alice.folder("Inside", folders["A"])
    for into in (folders["A"], inside):
        page = alice.post("/selection/move", entry=folders["A"], into=into).content.decode()

        assert re.search(r'name="here" value="[^"]+" disabled', page)


def test_what_is_gone_meanwhile_is_said_and_the_rest_is_done(world, alice, folders):
    world.alice.delete(f"/api/files/{folders['A']}")

    page = alice.post("/selection/trash", entry=[folders["A"], folders["B"]])

    assert "Something is no longer there." in text_of(page)
    assert "“B” is in the trash." in text_of(page)
    assert world.alice.names() == ["C", "Target"]


def test_deleting_several_for_good_asks_first(world, alice, folders):
    chosen = [folders["A"], folders["B"]]
    alice.post("/selection/trash", entry=chosen)

    asked = alice.post("/selection/remove", entry=chosen)

    assert "Delete 2 items for good?" in text_of(asked)
    assert names_on(alice.get("/trash")) == ["B", "A"]

    page = alice.post("/selection/remove", entry=chosen, sure="1")

    assert "2 items were deleted for good." in text_of(page)
    assert names_on(alice.get("/trash")) == []


@pytest.mark.parametrize("form", SELECTION_FORMS)
def test_an_empty_selection_is_refused_in_words(alice, form):
    page = alice.post(form)

    assert page.status_code == 422
    assert "Nothing is selected." in text_of(page)


@pytest.mark.parametrize("form", SELECTION_FORMS)
def test_too_large_a_selection_is_refused_whole(world, alice, folders, form):
    ids = [f"00000000-0000-0000-0000-{number:012}" for number in range(501)]

    page = alice.post(form, entry=ids)

    assert page.status_code == 422
    assert "At most 500 items can be taken at once." in text_of(page)


@pytest.mark.parametrize("form", SELECTION_FORMS)
def test_a_sign_in_on_the_way_does_nothing(world, alice, folders, form):
    page = alice.get(form)

    assert page.status_code == 200
    assert page.redirect_chain
    assert world.alice.names() == ["A", "B", "C", "Target"]


@pytest.mark.parametrize("form", SELECTION_FORMS)
def test_other_peoples_things_are_not_there(world, bob, folders, form):
    fields = {"entry": folders["A"], "here": folders["Target"]}

    page = bob.post(form, **fields, sure="1")

    assert "“A”" not in text_of(page)
    assert world.alice.names() == ["A", "B", "C", "Target"]


@pytest.mark.parametrize("form", SELECTION_FORMS)
def test_a_form_of_another_site_does_nothing(world, folders, form):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.alice.user)

    answer = client.post(form, {"entry": folders["A"], "sure": "1"})

    assert answer.status_code == 403
    assert world.alice.names() == ["A", "B", "C", "Target"]
