"""Groups by the pages, without JavaScript: alice administers them, bob is in one."""

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.actions import set_organisation_role
from accounts.organisation import OrganisationRole
from files.journal.audit import NO_SPACE
from files.models import AuditLine, GroupGrant
from tests.files.web.conftest import links_on, text_of


@pytest.fixture
def keeper(world, alice):
    """alice, who may do everything with groups."""
    world.alice.user.user_permissions.set(Permission.objects.filter(codename__endswith="_group"))
    return alice


@pytest.fixture
def editors(db):
    return Group.objects.create(name="Editors")


def told(action):
    return list(AuditLine.objects.filter(chain=NO_SPACE, action=action))


class TestWhoKeepsGroups:
    def test_makes_one(self, world, keeper):
        page = keeper.post("/groups/new", name=" Readers ")

        made = Group.objects.get(name="Readers")
        assert page.redirect_chain[-1][0] == f"/groups/{made.pk}"
        assert "The group “Readers” was made." in text_of(page)
        assert "New group" in text_of(keeper.get("/groups"))
        [line] = told("group_made")
        assert (line.actor, line.name) == (world.alice.user.id, "Readers")

    def test_is_told_what_is_wrong_with_a_name_and_keeps_it(self, keeper, editors):
        taken = keeper.post("/groups/new", name="EDITORS")
        empty = keeper.post(f"/groups/{editors.pk}/rename", name="  ")

        assert (taken.status_code, empty.status_code) == (409, 422)
        assert "There is a group with this name already." in text_of(taken)
        assert 'value="EDITORS"' in taken.content.decode()
        assert "1 to 150 visible characters" in text_of(empty)

    def test_renames_it(self, world, keeper, editors):
        page = keeper.post(f"/groups/{editors.pk}/rename", name="Authors")

        assert "It is called “Authors” now." in text_of(page)
        [line] = told("group_renamed")
        assert line.actor == world.alice.user.id
        assert line.details == {"group": str(editors.pk), "before": "Editors"}

    def test_adds_somebody_who_sees_the_files_at_once(self, world, keeper, editors):
        papers = world.alice.folder("papers")
        world.alice.share(papers, editors, "viewer")
        assert world.bob.get(f"/api/files/{papers}").status_code == 404

        page = keeper.post(f"/groups/{editors.pk}", name=" BOB ")

        assert "1 member" in text_of(page)
        assert world.bob.get(f"/api/files/{papers}").status_code == 200
        [line] = told("groups_add")
        assert line.actor == world.alice.user.id

        keeper.post(f"/groups/{editors.pk}", remove=world.bob.user.id)

        assert world.bob.get(f"/api/files/{papers}").status_code == 404
        [line] = told("groups_remove")
        assert line.actor == world.alice.user.id

    def test_adds_nobody_twice(self, world, keeper, editors):
        for _ in range(2):
            assert keeper.post(f"/groups/{editors.pk}", name=world.bob.user.username)

        assert len(told("groups_add")) == 1

    @pytest.mark.parametrize("name", ["", "nobody", "Editors"])
    def test_is_told_when_there_is_nobody_with_a_name(self, keeper, editors, name):
        page = keeper.post(f"/groups/{editors.pk}", name=name)

        assert page.status_code == 422
        assert "There is nobody with this name." in text_of(page)

    @pytest.mark.parametrize("nobody", ["", "x", "00000000-0000-0000-0000-000000000000"])
    def test_removing_nobody_is_told(self, world, keeper, editors, nobody):
        assert keeper.post(f"/groups/{editors.pk}", remove=nobody).status_code == 404
        assert keeper.post(f"/groups/{editors.pk}", remove=world.bob.user.id).status_code == 404

    def test_is_asked_before_it_goes_with_its_roles(self, world, keeper, editors):
        papers, letters = world.alice.folder("papers"), world.alice.folder("letters")
        world.alice.share(papers, editors, "viewer")
        world.alice.share(letters, editors, "editor")
        editors.user_set.add(world.bob.user)

        asked = keeper.get(f"/groups/{editors.pk}/delete")
        assert "It has 1 member, and 2 roles on files and folders end with it." in text_of(asked)
        assert Group.objects.filter(pk=editors.pk).exists()
        page = keeper.post(f"/groups/{editors.pk}/delete")

        assert "The group “Editors” was deleted." in text_of(page)
        assert not Group.objects.filter(pk=editors.pk).exists()
        assert not GroupGrant.objects.exists()
        assert world.bob.get(f"/api/files/{papers}").status_code == 404
        [line] = told("group_deleted")
        assert (line.actor, line.name) == (world.alice.user.id, "Editors")

    def test_turns_pages(self, keeper, editors, monkeypatch):
        Group.objects.create(name="Readers & more")
        monkeypatch.setattr("files.web.groups.SHOWN", 1)

        first = keeper.get("/groups")
        second = keeper.get("/groups?after=Editors")

        assert "?after=Editors" in links_on(first)
        assert "Readers & more" in text_of(second)
        assert "Editors" not in text_of(second)


class TestAMember:
    def test_sees_who_is_in_it_and_no_button(self, world, bob, editors):
        editors.user_set.add(world.bob.user, world.carol.user)
        Group.objects.create(name="Others")

        listed, page = bob.get("/groups"), bob.get(f"/groups/{editors.pk}")

        assert "Editors 2 members" in text_of(listed)
        assert "Others" not in text_of(listed)
        assert "New group" not in text_of(listed)
        assert "bob (you)" in text_of(page)
        assert "carol" in text_of(page)
        assert "Remove" not in text_of(page)
        assert f"/groups/{editors.pk}/delete" not in links_on(page)

    def test_changes_nothing(self, world, bob, editors):
        editors.user_set.add(world.bob.user)
        world.carol  # noqa: B018 - she is there to be added

        for path, fields in {
            "/groups/new": {"name": "n"},
            f"/groups/{editors.pk}": {"name": "carol"},
            f"/groups/{editors.pk}/rename": {"name": "n"},
            f"/groups/{editors.pk}/delete": {},
        }.items():
            assert bob.post(path, **fields).status_code == 403, path
        removing = bob.post(f"/groups/{editors.pk}", remove=world.bob.user.id)
        assert removing.status_code == 403

        assert not Group.objects.filter(name="n").exists()
        assert list(editors.user_set.all()) == [world.bob.user]


class TestThoseOfTheRoles:
    @pytest.mark.parametrize("role", OrganisationRole)
    def test_are_on_no_page(self, keeper, role):
        key = Group.objects.get(name=role).pk

        assert f"/groups/{key}" not in links_on(keeper.get("/groups"))
        for path in ("", "/rename", "/delete"):
            assert keeper.get(f"/groups/{key}{path}").status_code == 404
            assert keeper.post(f"/groups/{key}{path}", name="bob").status_code == 404


class TestAGuest:
    def test_sees_which_groups_he_is_in_and_nobody_else(self, world, bob, editors):
        editors.user_set.add(world.bob.user, world.carol.user)
        set_organisation_role(user=world.bob.user, role=OrganisationRole.GUEST)

        listed = bob.get("/groups")

        assert "Editors 2 members" in text_of(listed)
        assert f"/groups/{editors.pk}" not in links_on(listed)
        assert bob.get(f"/groups/{editors.pk}").status_code == 403


class TestAnAuditor:
    def test_sees_every_group_and_no_button(self, world, bob, editors):
        editors.user_set.add(world.carol.user)
        set_organisation_role(user=world.bob.user, role=OrganisationRole.AUDITOR)

        listed, page = bob.get("/groups"), bob.get(f"/groups/{editors.pk}")

        assert f"/groups/{editors.pk}" in links_on(listed)
        assert "carol" in text_of(page)
        assert "New group" not in text_of(listed)
        assert "Remove" not in text_of(page)
        assert bob.post(f"/groups/{editors.pk}", name="bob").status_code == 403


class TestAnAdmin:
    @pytest.fixture
    def admin(self, world, alice):
        set_organisation_role(user=world.alice.user, role=OrganisationRole.ADMIN)
        return alice

    def test_chooses_who_is_in_a_group(self, world, admin, editors):
        admin.post(f"/groups/{editors.pk}", name=world.bob.user.username)

        assert list(editors.user_set.all()) == [world.bob.user]
        [line] = told("groups_add")
        assert line.actor == world.alice.user.id

    def test_sees_no_button_at_one_that_allows_something(self, world, admin, editors):
        editors.permissions.set(Permission.objects.filter(codename="change_user"))
        world.bob  # noqa: B018 - he is there to be added

        page = admin.get(f"/groups/{editors.pk}")

        assert "Add a person" not in text_of(page)
        assert f"/groups/{editors.pk}/delete" not in links_on(page)
        assert admin.post(f"/groups/{editors.pk}", name="bob").status_code == 403
        assert not editors.user_set.exists()


class TestAnOutsider:
    def test_sees_none(self, bob, editors):
        for path in ("", "/rename", "/delete"):
            assert bob.get(f"/groups/{editors.pk}{path}").status_code == 404
        assert "You are in no group." in text_of(bob.get("/groups"))

    @pytest.mark.parametrize("key", ["x", "0", "-1", "9" * 40, "a\x00", "1.5", "%F0%9F"])
    def test_nor_does_anybody_with_an_id_that_is_none(self, keeper, key):
        assert keeper.get(f"/groups/{key}").status_code == 404
