"""Each role in the organisation at each page and action of the administration, and the ways up
that an admin might try.
"""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from accounts.actions import (
    add_address,
    create_user,
    deactivate_user,
    end_session,
    make_token,
    revoke_token,
    set_organisation_role,
    set_password,
    take_away,
)
from accounts.models import ApiToken, SignIn, User
from accounts.organisation import OrganisationRole
from accounts.policy import role_of
from files.models import AuditLine, Entry, Link, Space, Upload, UserGrant
from rapidserve.errors import PermissionDenied
from tests.files.admin.conftest import client_of, installation
from tests.files.admin.test_walk import MODELS, page, statuses
from tests.world import PASSWORD

SCENE = installation
ADMIN, AUDITOR, MEMBER, GUEST = OrganisationRole
ADDED = {"user", "group"}
"""Models of which admins make rows; those of tokens and groups they delete as well."""
DELETED = {"apitoken", "group"}
CREDENTIALS = (EmailAddress, Authenticator, SocialAccount)


@pytest.fixture(autouse=True)
def bob(full):
    """There whatever a test is about, for so is the scene."""
    return full.bob.user


def person(role, name="dora"):
    return create_user(username=name, password=PASSWORD, role=role)


@pytest.fixture
def dora(db):
    return person(ADMIN)


@pytest.fixture
def as_admin(dora):
    return client_of(dora)


@pytest.fixture
def as_auditor(db):
    return client_of(person(AUDITOR, "otto"))


def signed_in(user):
    client_of(user)
    return SignIn.objects.get(user=user)


def person_page(user, kind="change"):
    return reverse(f"admin:accounts_user_{kind}", args=[user.pk])


def password_page(user):
    return f"/admin/accounts/user/{user.pk}/password/"


def do(client, action, row):
    answer = client.post(
        page(type(row), "changelist"),
        {"action": action, "_selected_action": [str(row.pk)], "post": "yes"},
    )
    row.refresh_from_db()
    return answer


def typed(user, **more):
    return {"display_name": user.display_name, "organisation_role": role_of(user.pk), **more}


class TestPages:
    @pytest.mark.parametrize("role", [MEMBER, GUEST])
    def test_are_closed_to_those_who_are_no_staff(self, full, role):
        client = client_of(person(role))

        assert {statuses(client, model)["changelist"] for model in MODELS} == {302}
        assert client.get("/admin/", follow=True).status_code == 403

    def test_are_all_there_for_auditors_to_look_at(self, full, as_auditor):
        make_token(user=full.bob.user, name="laptop")

        for model in MODELS:
            expected = {"changelist": 200, "add": 403, "change": 200, "delete": 403, "history": 200}
            assert statuses(as_auditor, model) == expected, model
        assert "System" in as_auditor.get("/admin/").content.decode()

    def test_are_all_there_for_admins_and_some_to_act(self, full, as_admin):
        make_token(user=full.bob.user, name="laptop")
        editors = Group.objects.get(name="Editors")

        for model in MODELS:
            name = model._meta.model_name
            found = statuses(as_admin, model)
            deleted = found.pop("delete")
            added = 200 if name in ADDED else 403
            expected = {"changelist": 200, "add": added, "change": 200, "history": 200}
            assert found == expected, model
            if name != "group":  # the first of them is a role
                assert deleted == (200 if name in DELETED else 403), model
        assert as_admin.get(page(Group, "delete", editors.pk)).status_code == 200

    def test_let_auditors_take_the_audit_log_along(self, full, as_auditor):
        line = AuditLine.objects.first()

        answer = as_auditor.post(
            page(AuditLine, "changelist"), {"action": "export", "_selected_action": [str(line.pk)]}
        )

        assert str(line.id) in b"".join(answer.streaming_content).decode()


class TestActions:
    """An admin does what an owner does; an auditor asks for the same in vain."""

    @pytest.fixture(params=[ADMIN, AUDITOR])
    def may(self, request):
        return request.param == ADMIN

    @pytest.fixture
    def client(self, may, as_admin, as_auditor):
        return as_admin if may else as_auditor

    def test_on_entries(self, full, client, may):
        file = Entry.objects.get(name="report.txt")

        do(client, "move_to_trash", file)

        assert file.live != may

    def test_on_uploads(self, full, client, may):
        upload = Upload.objects.get(name="open.bin")

        do(client, "cancel", upload)

        assert (upload.state == "expired") == may

    def test_on_grants(self, full, client, may):
        grant = UserGrant.objects.get()

        client.post(
            page(UserGrant, "changelist"),
            {"action": "withdraw", "_selected_action": [str(grant.pk)]},
        )

        assert UserGrant.objects.exists() != may

    def test_on_links(self, full, client, may):
        link = Link.objects.get()

        do(client, "revoke", link)

        assert (link.revoked_at is not None) == may

    def test_on_quotas(self, full, client, may):
        space = full.alice.space

        client.post(page(Space, "change", space.pk), {"quota": "5 GB"})

        space.refresh_from_db()
        assert (space.quota_bytes == 5 * 2**30) == may

    def test_on_tokens(self, full, client, may):
        token = ApiToken.objects.get(user=full.alice.user)

        client.post(page(ApiToken, "delete", token.pk), {"post": "yes"})

        assert ApiToken.objects.filter(pk=token.pk).exists() != may

    def test_on_sign_ins(self, full, client, may):
        client_of(full.bob.user)
        row = SignIn.objects.get(user=full.bob.user)

        client.post(
            page(SignIn, "changelist"), {"action": "sign_out", "_selected_action": [str(row.pk)]}
        )

        assert SignIn.objects.filter(pk=row.pk).exists() != may

    def test_on_people(self, bob, client, may):
        do(client, "deactivate", bob)
        assert bob.is_active != may
        do(client, "reactivate", bob)
        assert bob.is_active

    def test_on_roles(self, bob, client, may):
        client.post(person_page(bob), typed(bob, organisation_role="guest"))

        assert role_of(bob.pk) == (GUEST if may else MEMBER)

    def test_on_passwords(self, bob, client, may):
        new = "another good one"

        client.post(password_page(bob), {"password1": new, "password2": new})

        bob.refresh_from_db()
        assert bob.check_password(new) == may

    def test_on_new_people(self, db, client, may):
        form = {"username": "fred", "password1": PASSWORD, "password2": PASSWORD}

        client.post(page(User, "add"), {**form, "organisation_role": "guest"})

        found = User.objects.filter(username="fred")
        assert [role_of(user.pk) for user in found] == ([GUEST] if may else [])

    def test_on_groups(self, bob, client, may):
        editors = Group.objects.get(name="Editors")

        client.post(page(Group, "change", editors.pk), {"name": "Writers"})
        client.post(person_page(bob), typed(bob, groups=[editors.pk]))

        editors.refresh_from_db()
        assert (editors.name == "Writers") == may
        assert bob.groups.filter(pk=editors.pk).exists() == may
        assert role_of(bob.pk) == MEMBER


class TestTheWayUp:
    """What an admin may not do, however it is asked."""

    def test_is_not_by_fields_that_are_not_offered(self, as_admin, owner, bob):
        everything = [each.pk for each in Permission.objects.filter(codename="change_user")]

        as_admin.post(
            person_page(bob),
            typed(
                bob, is_superuser="on", is_staff="on", is_active="on", user_permissions=everything
            ),
        )

        bob.refresh_from_db()
        assert not bob.is_superuser
        assert not bob.is_staff
        assert not bob.user_permissions.exists()

    def test_is_not_by_making_an_admin(self, as_admin, bob):
        new = {"username": "fred", "password1": PASSWORD, "password2": PASSWORD}

        changed = as_admin.post(person_page(bob), typed(bob, organisation_role="admin"))
        added = as_admin.post(page(User, "add"), {**new, "organisation_role": "admin"})

        assert "Select a valid choice" in changed.content.decode()
        assert "Select a valid choice" in added.content.decode()
        assert role_of(bob.pk) == MEMBER
        assert not User.objects.filter(username="fred").exists()

    def test_is_not_by_a_new_superuser(self, as_admin):
        form = {"username": "fred", "password1": PASSWORD, "password2": PASSWORD}

        as_admin.post(
            page(User, "add"),
            {**form, "organisation_role": "member", "is_superuser": "on", "is_staff": "on"},
        )

        fred = User.objects.get(username="fred")
        assert not fred.is_superuser
        assert not fred.is_staff

    @pytest.mark.parametrize("role", OrganisationRole)
    def test_is_not_by_choosing_the_group_of_a_role(self, as_admin, role, bob):
        as_admin.post(person_page(bob), typed(bob, groups=[Group.objects.get(name=role).pk]))

        assert [group.name for group in bob.groups.all()] == [MEMBER]

    def test_is_not_by_a_group_that_allows_something(self, as_admin, bob):
        set_organisation_role(user=bob, role=AUDITOR)
        mighty = Group.objects.create(name="mighty")
        mighty.permissions.set(Permission.objects.filter(codename="change_user"))

        as_admin.post(person_page(bob), typed(bob, groups=[mighty.pk]))

        assert not bob.has_perm("accounts.change_user")

    def test_is_not_by_what_a_group_allows(self, as_admin):
        group = Group.objects.create(name="harmless")
        change_user = Permission.objects.get(codename="change_user").pk

        as_admin.post(
            page(Group, "change", group.pk), {"name": "harmless", "permissions": [change_user]}
        )
        as_admin.post(page(Group, "add"), {"name": "new", "permissions": [change_user]})

        assert not group.permissions.exists()
        assert not Group.objects.get(name="new").permissions.exists()

    @pytest.mark.parametrize("whose", ["owner", "another admin", "himself"])
    def test_is_not_over_the_account_of_somebody_as_mighty(self, whose, as_admin, dora, owner):
        users = {"owner": owner, "another admin": person(ADMIN, "eric"), "himself": dora}
        user, new = users[whose], "another good one"
        token = make_token(user=user, name="laptop").row

        statuses = [
            as_admin.post(person_page(user), typed(user, display_name="Mallory")).status_code,
            as_admin.get(password_page(user)).status_code,
            as_admin.post(password_page(user), {"password1": new, "password2": new}).status_code,
            as_admin.post(page(ApiToken, "delete", token.pk), {"post": "yes"}).status_code,
        ]
        before = role_of(user.pk)
        do(as_admin, "deactivate", user)
        do(as_admin, "delete_selected", token)

        assert statuses == [403, 403, 403, 403]
        user.refresh_from_db()
        assert user.is_active
        assert user.check_password(PASSWORD)
        assert user.display_name != "Mallory"
        assert role_of(user.pk) == before

    @pytest.mark.parametrize("role", [ADMIN, AUDITOR])
    def test_is_not_by_how_somebody_signs_in(self, full, role):
        """An address of mail is a way to a new password, and a second step keeps others out."""
        client, alice = client_of(person(role)), full.alice.user
        rows = [model.objects.get(user=alice) for model in CREDENTIALS]
        address = {"user": str(alice.pk), "email": "mallory@example.org"}

        assert client.post(page(EmailAddress, "add"), address).status_code == 403
        for row in rows:
            assert client.get(page(type(row), "changelist")).status_code == 200
            assert client.get(page(type(row), "change", row.pk)).status_code == 200
            for kind in ("change", "delete"):
                asked = client.post(page(type(row), kind, row.pk), {"post": "yes", **address})
                assert asked.status_code == 403
            client.post(
                page(type(row), "changelist"),
                {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"},
            )

        assert [model.objects.get() for model in CREDENTIALS] == rows
        assert EmailAddress.objects.get().email == "alice@example.org"

    def test_is_not_by_the_actions_themselves(self, full, dora, owner):
        """Whatever page comes to call them."""
        token, session = make_token(user=owner, name="laptop").row, signed_in(owner)
        mail = EmailAddress(user=owner, email="owner@example.org")
        step = Authenticator.objects.create(user=owner, type=Authenticator.Type.TOTP, data={})

        for act in (
            lambda: add_address(address=mail, by=dora),
            lambda: take_away(step, by=dora),
            lambda: set_password(user=owner, password="another good one", by=dora),
            lambda: end_session(sign_in=session, by=dora),
            lambda: revoke_token(token=token, by=dora),
            lambda: deactivate_user(user=owner, by=dora),
        ):
            with pytest.raises(PermissionDenied):
                act()

    def test_is_not_by_signing_somebody_as_mighty_out(self, as_admin, owner):
        row = signed_in(owner)

        answer = as_admin.post(
            page(SignIn, "changelist"),
            {"action": "sign_out", "_selected_action": [str(row.pk)]},
            follow=True,
        )

        assert "Only an owner may do that." in answer.content.decode()
        assert SignIn.objects.filter(pk=row.pk).exists()

    def test_is_not_by_a_group_that_allows_something_as_such(self, as_admin):
        mighty = Group.objects.create(name="mighty")
        mighty.permissions.set(Permission.objects.filter(codename="view_user"))

        statuses = [
            as_admin.get(page(Group, "change", mighty.pk)).status_code,
            as_admin.post(page(Group, "change", mighty.pk), {"name": "x"}).status_code,
            as_admin.post(page(Group, "delete", mighty.pk), {"post": "yes"}).status_code,
        ]

        assert statuses == [200, 403, 403]

    def test_keeps_groups_that_were_not_to_be_chosen(self, as_admin, bob):
        mighty = Group.objects.create(name="mighty")
        mighty.permissions.set(Permission.objects.filter(codename="view_user"))
        bob.groups.add(mighty)

        as_admin.post(person_page(bob), typed(bob, display_name="Robert"))

        bob.refresh_from_db()
        assert bob.display_name == "Robert"
        assert {group.name for group in bob.groups.all()} == {MEMBER, "mighty"}

    def test_ends_at_once_for_who_is_no_admin_any_more(self, as_admin, dora):
        set_organisation_role(user=dora, role=MEMBER)

        assert as_admin.get(page(User, "changelist")).status_code == 302


class TestTheGroupsOfTheRoles:
    @pytest.mark.parametrize("role", OrganisationRole)
    def test_are_shown_and_changed_by_nobody(self, role, as_owner, as_admin):
        group = Group.objects.get(name=role)
        before = set(group.permissions.values_list("pk", flat=True))

        for client in (as_owner, as_admin):
            assert client.get(page(Group, "change", group.pk)).status_code == 200
            changed = client.post(page(Group, "change", group.pk), {"name": "x", "permissions": []})
            deleted = client.post(page(Group, "delete", group.pk), {"post": "yes"})
            do(client, "delete_selected", group)
            assert (changed.status_code, deleted.status_code) == (403, 403)

        group.refresh_from_db()
        assert group.name == role
        assert set(group.permissions.values_list("pk", flat=True)) == before


class TestOwners:
    def test_make_admins_and_owners(self, as_owner, bob):
        as_owner.post(person_page(bob), typed(bob, organisation_role="admin", is_superuser="on"))

        bob.refresh_from_db()
        assert role_of(bob.pk) == ADMIN
        assert bob.is_superuser
        assert bob.is_staff

    def test_the_last_one_stays_one(self, as_owner, owner):
        answer = as_owner.post(person_page(owner), typed(owner))

        assert "This is the last owner." in answer.content.decode()
        owner.refresh_from_db()
        assert owner.is_superuser

    def test_people_are_listed_by_role(self, as_owner):
        person(GUEST, "gustav")
        person(AUDITOR, "otto")

        listed = as_owner.get(page(User, "changelist"), {"role": "guest"}).content.decode()

        assert "gustav" in listed
        assert "otto" not in listed
