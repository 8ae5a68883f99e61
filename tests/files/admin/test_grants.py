"""guardian's page of an entry's permissions: what is saved there is saved by our own actions."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from accounts.actions import create_user, deactivate_user
from accounts.models import User
from accounts.organisation import OrganisationRole
from files.access.actor import Actor
from files.access.rights import role_of
from files.access.roles import Role
from files.actions.sharing import give_role
from files.models import AuditLine, Entry, GroupGrant, Space, UserGrant
from rapidserve.errors import PermissionDenied
from tests.files.admin.conftest import client_of, installation
from tests.world import PASSWORD

SCENE = installation
UNKNOWN = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def papers(full):
    return Entry.objects.get(name="papers")


def address(row, kind="", key=""):
    name = f"admin:files_{row._meta.model_name}_permissions"
    return reverse(
        name + (f"_manage_{kind}" if kind else ""), args=[row.pk, *([key] if key else [])]
    )


def text(response):
    return " ".join(response.content.decode().split())


def roles(model, kind, entry):
    rows = model.objects.filter(content_object=entry)
    return {str(getattr(row, kind)): str(role_of(row.permission_id)) for row in rows}


def test_the_page_of_an_entry_and_of_a_space_lead_there(full, as_owner, papers):
    for row in (papers, full.alice.space):
        page = as_owner.get(reverse(f"admin:files_{row._meta.model_name}_change", args=[row.pk]))

        assert f'href="{address(row)}"' in page.content.decode()
        assert as_owner.get(address(row)).status_code == 200


def test_everything_given_is_shown_with_its_end(full, as_owner, papers):
    full.alice.share(str(papers.id), full.carol, "viewer", expires_at="2031-03-31T23:59:59Z")

    page = text(as_owner.get(address(papers)))

    for shown in ("bob", "carol", "Editors", "2031-03-31 23:59", "editor", "by <bdi>alice</bdi>"):
        assert shown in page


@pytest.mark.parametrize("name", ["CAROL", " carol "])
def test_a_person_is_found_by_name_and_given_a_role_until_a_date(
    full, as_owner, owner, papers, name
):
    carol = full.carol.user
    found = as_owner.post(address(papers), {"user": name, "submit_manage_user": "x"})
    assert found.url == address(papers, "user", carol.pk)

    saved = as_owner.post(found.url, {"role": "viewer", "until": "2031-03-31T12:00:05"})

    assert saved.url == address(papers)
    grant = UserGrant.objects.get(user=carol)
    assert (role_of(grant.permission_id), grant.granted_by) == ("viewer", owner)
    assert str(grant.expires_at) == "2031-03-31 12:00:05+00:00"
    assert full.carol.get(f"/api/files/{papers.id}").status_code == 200
    line = AuditLine.objects.filter(action="shared").latest("id")
    assert (line.actor, line.via, line.entry) == (owner.id, "admin", papers.id)
    again = as_owner.get(found.url).content.decode()
    assert 'value="2031-03-31T12:00:05"' in again
    assert '<option value="viewer" selected>' in again


def test_a_person_has_one_role_which_is_changed_and_taken_back(full, as_owner, papers):
    bob = address(papers, "user", full.bob.user.pk)

    as_owner.post(bob, {"role": "editor", "until": ""})
    assert roles(UserGrant, "user", papers) == {"bob": "editor"}
    as_owner.post(bob, {"role": "", "until": ""})

    assert not UserGrant.objects.exists()
    assert full.bob.get(f"/api/files/{papers.id}").status_code == 404
    assert AuditLine.objects.filter(action="unshared").count() == 1


def test_so_has_a_group(full, as_owner, papers):
    readers = Group.objects.create(name="R" * 150)
    found = as_owner.post(address(papers), {"group": "R" * 150, "submit_manage_group": "x"})
    assert found.url == address(papers, "group", readers.pk)

    as_owner.post(found.url, {"role": "manager"})
    as_owner.post(address(papers, "group", Group.objects.get(name="Editors").pk), {"role": ""})

    assert roles(GroupGrant, "group", papers) == {"R" * 150: "manager"}


def test_of_a_space_they_are_those_of_its_top_folder(full, as_owner):
    space = Space.objects.get(kind="team")

    as_owner.post(address(space, "user", full.carol.user.pk), {"role": "viewer"})

    assert roles(UserGrant, "user", space.root) == {"carol": "viewer"}
    assert "carol" in text(as_owner.get(address(space)))


def test_a_role_of_somebody_deactivated_is_taken_back_and_not_given(full, as_owner, papers):
    deactivate_user(user=full.bob.user)
    bob = address(papers, "user", full.bob.user.pk)

    assert "There is nobody with this id." in text(as_owner.post(bob, {"role": "editor"}))
    as_owner.post(bob, {"role": ""})

    assert not UserGrant.objects.exists()


class TestBadInputIsSaid:
    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"user": "nobody", "submit_manage_user": "x"}, "There is nobody with this name."),
            ({"user": "a\x00", "submit_manage_user": "x"}, "Null characters are not allowed."),
            ({"user": "", "submit_manage_user": "x"}, "This field is required."),
            ({"user": "x" * 300, "submit_manage_user": "x"}, "at most 200 characters"),
            ({"group": "nobody", "submit_manage_group": "x"}, "There is no group with this name."),
        ],
    )
    def test_of_who_is_looked_for(self, full, as_owner, papers, fields, says):
        answer = as_owner.post(address(papers), fields)

        assert answer.status_code == 422
        assert says in text(answer)

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"role": "owner"}, "Select a valid choice."),
            ({"role": "\x00"}, "Select a valid choice."),
            ({"role": "viewer", "until": "tomorrow"}, "Enter a valid date/time."),
            ({"role": "viewer", "until": "2031-02-31T00:00"}, "Enter a valid date/time."),
            ({"role": "viewer", "until": "2020-01-01T00:00"}, "This date has passed."),
            ({"role": "viewer", "until": "9999-12-31T23:59:59-14:00"}, "This is not a date."),
            ({"role": "", "until": ""}, "There is nothing here"),
        ],
    )
    def test_of_the_role(self, full, as_owner, papers, fields, says):
        answer = as_owner.post(address(papers, "user", full.carol.user.pk), fields)

        assert answer.status_code == 422
        assert says in text(answer)
        assert roles(UserGrant, "user", papers) == {"bob": "viewer"}

    def test_of_a_role_that_nobody_can_give(self, full, as_owner, owner, papers):
        for user, says in ((full.alice.user, "They own the space"), (owner, "role of their own")):
            answer = as_owner.post(address(papers, "user", user.pk), {"role": "viewer"})
            assert says in text(answer)

    @pytest.mark.parametrize("odd", [UNKNOWN, "nonsense", "1", "-1", "9" * 40, "%00", "_00"])
    def test_of_ids(self, full, as_owner, papers, odd):
        here = address(papers)
        for path in (
            here.replace(str(papers.pk), odd),
            f"{here}user-manage/{odd}/",
            f"{here}group-manage/{'0' if odd == '1' else odd}/",
            f"{here.replace(str(papers.pk), odd)}user-manage/{full.bob.user.pk}/",
        ):
            for answer in (as_owner.get(path), as_owner.post(path, {"role": "viewer"})):
                assert answer.status_code == 404, path


class TestWhoMay:
    def pages(self, papers, world):
        yield address(papers)
        yield address(papers, "user", world.bob.user.pk)

    def test_who_only_looks_sees_them_and_no_form(self, full, as_viewer, papers):
        here, manage = self.pages(papers, full)

        page = as_viewer.get(here)

        assert "bob" in text(page)
        assert "submit_manage" not in text(page)
        assert manage not in text(page)
        assert as_viewer.post(manage, {"role": ""}).status_code == 403
        assert UserGrant.objects.exists()

    def test_whatever_staff_may_do_with_grants_it_lets_nobody_in(self, full, as_keeper, papers):
        """A second account would read what was never shared with them."""
        here, manage = self.pages(papers, full)

        assert "submit_manage" not in text(as_keeper.get(here))
        assert as_keeper.post(manage, {"role": "editor"}).status_code == 403
        assert roles(UserGrant, "user", papers) == {"bob": "viewer"}

    @pytest.mark.parametrize("role", OrganisationRole)
    def test_nor_does_anybody_by_a_role_in_the_organisation(self, full, papers, role):
        dora = create_user(username="dora", password=PASSWORD, role=role)
        accomplice = create_user(username="eric", password=PASSWORD)
        for user in (dora, accomplice):
            client_of(dora).post(address(papers, "user", user.pk), {"role": "viewer"})
            with pytest.raises(PermissionDenied):
                give_role(
                    actor=Actor(dora, administers=True),
                    entry_id=papers.id,
                    subject=("user", str(user.pk)),
                    role=Role.VIEWER,
                )

        assert roles(UserGrant, "user", papers) == {"bob": "viewer"}

    def test_nor_does_an_admin_who_is_its_manager_but_as_everybody_on_the_pages(self, full, papers):
        dora = create_user(username="dora", password=PASSWORD, role=OrganisationRole.ADMIN)
        subject = ("user", str(full.carol.user.pk))
        give_role(
            actor=Actor(full.alice.user),
            entry_id=papers.id,
            subject=("user", str(dora.pk)),
            role=Role.MANAGER,
        )

        page = address(papers, *subject)
        assert client_of(dora).post(page, {"role": "viewer"}).status_code == 403
        give_role(actor=Actor(dora), entry_id=papers.id, subject=subject, role=Role.VIEWER)
        assert roles(UserGrant, "user", papers)["carol"] == "viewer"

    def test_an_admin_looks_and_takes_back_and_the_audit_log_tells(self, full, papers):
        dora = create_user(username="dora", password=PASSWORD, role=OrganisationRole.ADMIN)
        grant = UserGrant.objects.get()

        assert "bob" in text(client_of(dora).get(address(papers)))
        client_of(dora).post(
            reverse("admin:files_usergrant_changelist"),
            {"action": "withdraw", "_selected_action": [str(grant.pk)]},
        )

        assert not UserGrant.objects.exists()
        line = AuditLine.objects.get(action="unshared")
        assert (line.actor, line.via) == (dora.id, "admin")

    def test_an_owner_does_and_the_audit_log_tells(self, full, as_owner, owner, papers):
        as_owner.post(address(papers, "user", full.carol.user.pk), {"role": "viewer"})

        line = AuditLine.objects.filter(action="shared").latest("id")
        assert (line.actor, line.via, line.details["name"]) == (owner.id, "admin", "carol")

    def test_staff_who_may_not_see_grants_is_refused(self, full, as_staff, papers):
        staff = User.objects.get(username="staff")
        staff.user_permissions.set(Permission.objects.filter(codename__endswith="_entry"))
        for path in self.pages(papers, full):
            assert as_staff.get(path).status_code == 403
            assert as_staff.post(path, {"role": "editor"}).status_code == 403

    def test_nobody_else_comes_in(self, full, papers):
        for path in self.pages(papers, full):
            assert client_of(full.alice.user).get(path).url.startswith("/admin/login/")
