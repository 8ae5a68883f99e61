"""Making, renaming, throwing away and bringing back: plain forms."""

import pytest
from django.test import Client

from files.web.urls import urlpatterns
from tests.files.web.conftest import names_on, text_of
from tests.files.web.test_selection import SELECTION_FORMS

ALL_FORMS = ["/files/{}/new-folder", "/files/{}/rename", "/files/{}/trash", "/files/{}/share"]
SPACES = ["/spaces/new", "/spaces/<str:space_id>/rename", "/spaces/<str:space_id>/delete"]
GROUP_ACTS = ["", "/rename", "/delete"]
TRASH_FORMS = ["/trash/{}/restore", "/trash/{}/remove"]


@pytest.fixture
def docs(world) -> str:
    return world.alice.folder("Docs")


@pytest.fixture
def trashed(world) -> str:
    folder = world.alice.folder("Old")
    world.alice.delete(f"/api/files/{folder}")
    return folder


def test_a_new_folder_appears_in_the_list(world, alice):
    page = alice.post(f"/files/{world.alice.root}/new-folder", name="  Docs ")

    assert names_on(page) == ["Docs"]
    assert "The folder “Docs” was made." in text_of(page)


@pytest.mark.parametrize(
    ("name", "status", "why"),
    [
        ("docs", 409, "There is already a folder with this name."),
        ("", 422, "it is empty"),
        ("a/b", 422, "which separates folders"),
        ("x" * 256, 422, "it takes 256 bytes; 255 are allowed"),
        ("..", 422, "mean folders"),
    ],
)
def test_a_refused_name_stands_in_the_form_with_the_reason(world, alice, docs, name, status, why):
    page = alice.post(f"/files/{world.alice.root}/new-folder", name=name)

    assert page.status_code == status
    assert why in text_of(page)
    html = page.content.decode()
    assert f'value="{name}"' in html
    assert 'aria-invalid="true" aria-describedby="name-problem"' in html
    assert world.alice.names() == ["Docs"]


def test_a_name_is_changed(world, alice, docs):
    page = alice.post(f"/files/{docs}/rename", name="Papers")

    assert names_on(page) == ["Papers"]
    assert "It is called “Papers” now." in text_of(page)


def test_the_form_to_rename_begins_with_the_name(world, alice, docs):
    html = alice.get(f"/files/{docs}/rename").content.decode()

    assert 'value="Docs"' in html
    assert 'aria-invalid="true"' not in html


def test_a_name_that_is_taken_stays_in_the_form_to_rename(world, alice, docs):
    world.alice.folder("Papers")

    page = alice.post(f"/files/{docs}/rename", name="PAPERS")

    assert page.status_code == 409
    assert "There is already a folder with this name." in text_of(page)
    assert 'value="PAPERS"' in page.content.decode()
    assert world.alice.names() == ["Docs", "Papers"]


def test_the_top_folder_keeps_its_name_and_place(world, alice):
    renamed = alice.post(f"/files/{world.alice.root}/rename", name="Mine")
    trashed = alice.post(f"/files/{world.alice.root}/trash")

    assert (renamed.status_code, trashed.status_code) == (409, 409)
    assert "can't be renamed" in text_of(renamed)
    assert "can't be trashed" in text_of(trashed)


def test_what_is_thrown_away_can_be_taken_back_at_once(world, alice, docs):
    page = alice.post(f"/files/{docs}/trash")

    assert names_on(page) == []
    assert "“Docs” is in the trash. Undo" in text_of(page)
    assert f'action="/trash/{docs}/restore"' in page.content.decode()

    page = alice.post(f"/trash/{docs}/restore")

    assert names_on(page) == ["Docs"]
    assert "“Docs” is back in “My files”." in text_of(page)


def test_undo_is_offered_only_while_there_is_something_to_undo(world, alice, docs):
    address = alice.post(f"/files/{docs}/trash").redirect_chain[-1][0]
    alice.post(f"/trash/{docs}/restore")

    assert "Undo" not in text_of(alice.get(address))


def test_following_a_link_throws_nothing_away(world, alice, docs):
    page = alice.get(f"/files/{docs}/trash")

    assert "Move “Docs” to the trash?" in text_of(page)
    assert world.alice.names() == ["Docs"]


def test_the_trash_lists_what_was_thrown_away(world, alice, trashed):
    page = alice.get("/trash")

    assert names_on(page) == ["Old"]


def test_an_empty_trash_says_so(world, alice):
    assert "The trash is empty." in text_of(alice.get("/trash"))


def test_what_is_restored_from_the_trash_leaves_one_there(world, alice, trashed):
    page = alice.post(f"/trash/{trashed}/restore", then="trash")

    assert page.redirect_chain[-1][0] == "/trash"
    assert names_on(page) == []
    assert world.alice.names() == ["Old"]


def test_what_comes_back_to_a_taken_name_gets_a_number_and_says_so(world, alice, trashed):
    world.alice.folder("Old")

    page = alice.post(f"/trash/{trashed}/restore")

    assert "“Old (1)” is back in “My files”." in text_of(page)
    assert names_on(page) == ["Old", "Old (1)"]


def test_deleting_for_good_asks_first(world, alice, trashed):
    page = alice.get(f"/trash/{trashed}/remove")

    assert "Delete “Old” for good?" in text_of(page)
    assert "This can't be undone." in text_of(page)
    assert names_on(alice.get("/trash")) == ["Old"]


def test_what_is_deleted_for_good_is_gone(world, alice, trashed):
    page = alice.post(f"/trash/{trashed}/remove")

    assert "“Old” was deleted for good." in text_of(page)
    assert names_on(page) == []
    assert alice.post(f"/trash/{trashed}/restore").status_code == 404


def test_what_is_not_in_the_trash_can_not_be_deleted(world, alice, docs):
    assert alice.get(f"/trash/{docs}/remove").status_code == 404
    assert alice.post(f"/trash/{docs}/remove").status_code == 404
    assert alice.post(f"/trash/{docs}/restore").status_code == 404
    assert world.alice.names() == ["Docs"]


def test_the_trash_is_shown_a_hundred_at_a_time(world, alice):
    for number in range(101):
        folder = world.alice.folder(f"{number:03}")
        world.alice.delete(f"/api/files/{folder}")

    first = alice.get("/trash")
    more = first.content.decode().partition('href="?cursor=')[2].partition('"')[0]
    second = alice.get(f"/trash?cursor={more}")

    assert names_on(first) == [f"{number:03}" for number in range(100, 0, -1)]
    assert names_on(second) == ["000"]


def test_a_sign_in_on_the_way_to_the_undo_ends_in_the_trash(world, alice, trashed):
    assert alice.get(f"/trash/{trashed}/restore").redirect_chain == [("/trash", 302)]


@pytest.mark.parametrize("form", ALL_FORMS)
def test_other_peoples_things_are_not_there(world, bob, docs, form):
    shown = bob.get(form.format(docs))
    sent = bob.post(form.format(docs), name="Mine")

    assert (shown.status_code, sent.status_code) == (404, 404)
    assert world.alice.names() == ["Docs"]


@pytest.mark.parametrize("form", TRASH_FORMS)
def test_other_peoples_trash_is_not_there(world, alice, bob, trashed, form):
    assert bob.post(form.format(trashed)).status_code == 404
    assert names_on(bob.get("/trash")) == []
    assert names_on(alice.get("/trash")) == ["Old"]


@pytest.mark.parametrize("form", ALL_FORMS + TRASH_FORMS)
def test_a_form_of_another_site_does_nothing(world, docs, trashed, form):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.alice.user)
    target = trashed if form in TRASH_FORMS else docs

    answer = client.post(form.format(target), {"name": "Evil"})

    assert answer.status_code == 403
    assert "This form is no longer valid." in text_of(answer)
    assert world.alice.names() == ["Docs"]


@pytest.mark.parametrize("form", ALL_FORMS + TRASH_FORMS)
def test_nobody_is_asked_to_sign_in(client, world, docs, form):
    address = form.format(docs)

    answer = client.post(address, {"name": "Evil"})

    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={address}")
    assert world.alice.names() == ["Docs"]


def test_an_api_token_opens_no_page(client, world, docs):
    answer = client.post(
        f"/files/{docs}/trash", headers={"Authorization": f"Bearer {world.alice.token}"}
    )

    assert answer.status_code == 302
    assert world.alice.names() == ["Docs"]


@pytest.mark.parametrize("path", ["/", "/trash", "/shared", "/files/{}"])
def test_pages_that_only_show_take_no_forms(alice, docs, path):
    assert alice.post(path.format(docs)).status_code == 405


def test_every_page_is_tried_above():
    addresses = {"/" + str(page.pattern).replace("<str:entry_id>", "{}") for page in urlpatterns}
    public = {"/s/<str:token>", "/s/<str:token>/{}"}
    groups = {"/groups", "/groups/new", *(f"/groups/<str:group_id>{act}" for act in GROUP_ACTS)}
    elsewhere = {"/search", "/shared", *public, *groups, *SPACES, *SELECTION_FORMS}

    assert addresses == {"/", "/trash", "/files/{}", *ALL_FORMS, *TRASH_FORMS, *elsewhere}
