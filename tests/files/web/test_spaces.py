"""Team spaces by the pages: make, rename, delete."""

import pytest

from files.models import Space
from tests.files.web.conftest import links_on, text_of


@pytest.fixture
def team(world):
    return world.alice.team("Studio")


def test_one_is_made_and_stands_beside_every_page(alice):
    page = alice.post("/spaces/new", name=" Studio ")

    made = Space.objects.get(kind="team")
    assert page.redirect_chain[-1][0] == f"/files/{made.root}"
    assert "Share it with its members." in text_of(page)
    assert f"/files/{made.root}" in links_on(alice.get("/"))


@pytest.mark.parametrize(("name", "says"), [("", "empty"), ("a/b", "can't"), ("Studio", "already")])
def test_what_can_not_be_its_name_is_said(alice, team, name, says):
    page = alice.post("/spaces/new", name=name)

    assert page.status_code in {409, 422}
    assert says in text_of(page)
    assert Space.objects.filter(kind="team").count() == 1


def test_one_is_renamed(alice, team):
    assert f"/spaces/{team['id']}/rename" in links_on(alice.get(f"/files/{team['root']}"))

    page = alice.post(f"/spaces/{team['id']}/rename", name="Atelier")

    assert "It is called “Atelier” now." in text_of(page)


def test_an_empty_one_is_deleted_and_another_is_not(world, alice, team):
    world.alice.folder("kept", team["root"])
    refused = alice.post(f"/spaces/{team['id']}/delete")
    assert refused.status_code == 409
    assert "Move its files elsewhere" in text_of(refused)
    empty = world.alice.team("Empty")

    page = alice.post(f"/spaces/{empty['id']}/delete")

    assert "The space “Empty” was deleted." in text_of(page)
    assert Space.objects.filter(kind="team").count() == 1


def test_a_personal_one_stays_what_it_is(world, alice):
    for act in ("rename", "delete"):
        answer = alice.post(f"/spaces/{world.alice.space.id}/{act}", name="x")
        assert answer.status_code == 409


def test_members_see_no_such_choice(world, bob, team):
    world.alice.share(team["root"], world.bob, "manager")

    assert f"/spaces/{team['id']}/rename" not in links_on(bob.get(f"/files/{team['root']}"))
