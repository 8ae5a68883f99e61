"""Sharing by the pages, without JavaScript: who shares, who is shared with, a guest's view."""

import pytest
from django.contrib.auth.models import Group

from files.models import GroupGrant, UserGrant
from tests.files.web.conftest import Browser, links_on, names_on, text_of


@pytest.fixture
def papers(world):
    """(folder, file in it) of alice's."""
    folder = world.alice.folder("papers")
    registered = world.alice.register("a.txt", b"", parent=folder).json()
    return folder, world.alice.complete(registered["upload_id"]).json()["file"]["id"]


def share(browser: Browser, entry: str, name: str, role: str = "viewer", **fields: str):
    return browser.post(f"/files/{entry}/share", name=name, role=role, **fields)


class TestTheSharePage:
    def test_gives_a_role_by_name(self, world, alice, papers):
        page = share(alice, papers[0], " BOB " if world.bob else "")

        assert page.status_code == 200
        assert "bob Can download" in text_of(page)
        assert "alice (you) Owner" in text_of(page)
        assert world.bob.names(papers[0]) == ["a.txt"]

    def test_or_to_a_group(self, world, alice, papers):
        Group.objects.create(name="Readers of all")

        share(alice, papers[0], "Readers of all", "editor")

        assert GroupGrant.objects.get().group.name == "Readers of all"

    def test_until_the_end_of_a_day(self, world, alice, papers):
        share(alice, papers[0], world.bob.user.username, until="2031-03-31")

        assert str(UserGrant.objects.get().expires_at) == "2031-03-31 23:59:59+00:00"

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"name": "nobody", "role": "viewer"}, "There is nobody with this name."),
            ({"name": "", "role": "viewer"}, "There is nobody with this name."),
            ({"name": "bob", "role": "owner"}, "Choose what they may do."),
            ({"name": "bob", "role": "viewer", "until": "2020-01-01"}, "This date has passed."),
            ({"name": "bob", "role": "viewer", "until": "31.3.2031"}, "This is not a date."),
            ({"name": "bob", "role": "viewer", "until": "2031-02-31"}, "This is not a date."),
            ({"name": "alice", "role": "viewer"}, "They own the space"),
        ],
    )
    def test_says_what_is_wrong_and_keeps_what_was_typed(self, world, alice, papers, fields, says):
        assert world.bob

        page = alice.post(f"/files/{papers[0]}/share", **fields)

        assert page.status_code in {409, 422}
        assert says in text_of(page)
        assert f'value="{fields["name"]}"' in page.content.decode()
        assert not UserGrant.objects.exists()

    def test_takes_it_back(self, world, alice, papers):
        world.alice.share(papers[0], world.bob, "viewer")

        page = alice.post(f"/files/{papers[0]}/share", withdraw=f"user:{world.bob.user.id}")

        assert "bob" not in text_of(page)
        assert not UserGrant.objects.exists()

    def test_who_gives_his_own_up_is_led_away(self, world, bob, papers):
        world.alice.share(papers[0], world.bob, "manager")

        answer = bob.post(f"/files/{papers[0]}/share", withdraw=f"user:{world.bob.user.id}")

        assert answer.redirect_chain[-1][0] == "/shared"

    @pytest.mark.parametrize("nobody", ["", ":", "user:x", "user:", "robot:1", "group:x", "x"])
    def test_taking_back_from_nobody_is_told(self, world, alice, papers, nobody):
        page = alice.post(f"/files/{papers[0]}/share", withdraw=nobody)

        assert page.status_code == 404

    def test_what_comes_from_above_is_named_and_has_no_button(self, world, alice, papers):
        folder, file = papers
        world.alice.share(folder, world.bob, "viewer")

        page = alice.get(f"/files/{file}/share")

        assert "bob Can download · from papers" in text_of(page)
        assert "Remove bob" not in text_of(page)

    def test_is_for_who_may_share(self, world, bob, papers):
        world.alice.share(papers[0], world.bob, "editor")

        assert bob.get(f"/files/{papers[0]}/share").status_code == 403
        assert bob.get(f"/files/{world.alice.root}/share").status_code == 404


class TestAGuest:
    def test_finds_what_is_shared_and_nothing_of_the_space(self, world, bob, papers):
        folder, _ = papers
        world.alice.share(folder, world.bob, "viewer")

        assert names_on(bob.get("/shared")) == ["papers"]
        page = bob.get(f"/files/{folder}")
        assert names_on(page) == ["a.txt"]
        assert f"/files/{world.alice.root}" not in links_on(page)
        assert str(world.alice.space.id) not in page.content.decode()

    def test_is_offered_what_he_may_do(self, world, bob, papers):
        folder, file = papers
        world.alice.share(folder, world.bob, "previewer")

        looking = bob.get(f"/files/{folder}")
        world.alice.share(folder, world.bob, "editor")
        editing = bob.get(f"/files/{folder}")

        content = f"/api/files/{file}/content?download=1"
        assert content not in links_on(looking)
        assert f"/files/{file}/rename" not in links_on(looking)
        assert content in links_on(editing)
        assert f"/files/{file}/rename" in links_on(editing)
        assert f"/files/{file}/share" not in links_on(editing)

    def test_comes_back_to_what_is_shared(self, world, bob, papers):
        _, file = papers
        world.alice.share(file, world.bob, "editor")

        assert bob.get(f"/files/{file}").redirect_chain[-1][0] == "/shared"
        renamed = bob.post(f"/files/{file}/rename", name="b.txt")
        assert renamed.redirect_chain[-1][0] == "/shared"
        assert names_on(renamed) == ["b.txt"]

    def test_copies_into_his_own(self, world, bob, papers):
        _, file = papers
        world.alice.share(file, world.bob, "viewer")

        asked = bob.post("/selection/copy", entry=file, next="/shared")
        assert asked.status_code == 200
        bob.post("/selection/copy", entry=file, here=world.bob.root, next="/shared")

        assert world.bob.names() == ["a.txt"]

    def test_is_told_when_there_is_nothing(self, bob):
        assert "Nothing is shared with you." in text_of(bob.get("/shared"))


class TestAMember:
    def test_has_the_space_beside_every_page(self, world, bob):
        team = world.alice.team("Studio")
        world.alice.share(team["root"], world.bob, "viewer")

        page = bob.get("/")

        assert f"/files/{team['root']}" in links_on(page)
        assert names_on(bob.get("/shared")) == []
        assert bob.get(f"/trash?space={team['id']}").status_code == 403
