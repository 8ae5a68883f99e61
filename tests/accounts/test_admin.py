import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts import actions
from accounts.actions import create_user
from accounts.groups import group_happened
from accounts.models import ApiToken, SignIn, User
from accounts.organisation import OrganisationRole
from files.models import AuditLine
from rapidserve.errors import PermissionDenied
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_owner(client, owner):
    client.force_login(owner)
    return client


@pytest.fixture
def withdrawn():
    subjects = []

    def listener(subject_id, **_):
        subjects.append(subject_id)

    actions.credential_withdrawn.connect(listener)
    yield subjects
    actions.credential_withdrawn.disconnect(listener)


def do_action(client, model, name, *rows):
    return client.post(
        f"/admin/accounts/{model}/",
        {"action": name, "_selected_action": [str(row.id) for row in rows], "post": "yes"},
    )


def test_strangers_are_sent_to_the_one_guarded_door(client):
    at_admin = client.get("/admin/")
    at_its_own_door = client.post("/admin/login/?next=/admin/", {"username": "x", "password": "y"})

    assert at_admin["Location"].startswith("/admin/login/")
    assert at_its_own_door["Location"] == "/login?next=/admin/"


def test_ordinary_people_may_not_enter(client, alice):
    client.force_login(alice)

    assert client.get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize("q", ["ALI", "Alice Ar", "ａｌｉｃｅ"])
def test_people_are_found_whatever_the_case(as_owner, alice, bob, q):
    page = as_owner.get("/admin/accounts/user/", {"q": q}).content.decode()

    assert "Alice Arden" in page
    assert "Bob Baker" not in page


def test_a_person_made_here_is_announced_like_any_other(as_owner):
    made = []

    def listener(user, **_):
        made.append(user.username)

    actions.user_created.connect(listener)
    try:
        form = {"username": "Carol", "password1": PASSWORD, "password2": PASSWORD}
        form["organisation_role"] = "member"
        response = as_owner.post("/admin/accounts/user/add/", form)
    finally:
        actions.user_created.disconnect(listener)

    assert response.status_code == 302
    assert made == ["Carol"]
    assert User.objects.get(username_key="carol").check_password(PASSWORD)
    assert User.objects.get(username_key="carol").display_name == "Carol"


@pytest.mark.parametrize(
    ("username", "says"), [("BOB", "already has this name"), ("a b", "letters, digits")]
)
def test_a_taken_or_bad_name_is_said_in_the_form(as_owner, bob, username, says):
    form = {"username": username, "password1": PASSWORD, "password2": PASSWORD}

    response = as_owner.post("/admin/accounts/user/add/", form)

    assert response.status_code == 200
    assert says in response.content.decode()


def test_the_display_name_is_changed_and_found(as_owner, bob):
    response = as_owner.post(
        f"/admin/accounts/user/{bob.id}/change/",
        {"display_name": "Robert", "organisation_role": "auditor"},
    )

    assert response.status_code == 302
    bob.refresh_from_db()
    assert (bob.display_name, bob.display_key, bob.is_staff) == ("Robert", "robert", True)
    assert (bob.username, bob.is_active) == ("bob", True)


def test_a_password_is_changed(as_owner, bob):
    path = f"/admin/accounts/user/{bob.id}/password/"
    assert as_owner.get(path).status_code == 200

    as_owner.post(path, {"password1": "another good one", "password2": "another good one"})

    bob.refresh_from_db()
    assert bob.check_password("another good one")


def test_deactivating_withdraws_and_reactivating_restores(as_owner, bob, withdrawn):
    do_action(as_owner, "user", "deactivate", bob)
    bob.refresh_from_db()
    assert not bob.is_active
    assert withdrawn == [bob.id]

    do_action(as_owner, "user", "reactivate", bob)
    bob.refresh_from_db()
    assert bob.is_active


def test_nobody_locks_himself_out(as_owner, owner, withdrawn):
    do_action(as_owner, "user", "deactivate", owner)

    owner.refresh_from_db()
    assert owner.is_active
    assert withdrawn == []


def test_nobody_is_deleted(as_owner, bob):
    assert as_owner.post(f"/admin/accounts/user/{bob.id}/delete/").status_code == 403
    do_action(as_owner, "user", "delete_selected", bob)

    assert User.objects.filter(id=bob.id).exists()


def test_staff_without_a_role_or_permissions_change_nobody(client, bob):
    staff = actions.create_user(username="staff", password=PASSWORD)
    staff.is_staff = True
    staff.save(update_fields=["is_staff"])
    client.force_login(staff)

    assert client.get("/admin/").status_code == 200
    assert client.get(f"/admin/accounts/user/{bob.id}/change/").status_code == 403
    assert client.get(f"/admin/accounts/user/{bob.id}/password/").status_code == 403


def test_tokens_are_listed_and_revoked_but_their_digest_is_never_shown(as_owner, bob, withdrawn):
    one = actions.make_token(user=bob, name="laptop").row
    two = actions.make_token(user=bob, name="phone").row

    listing = as_owner.get("/admin/accounts/apitoken/", {"q": "bob"}).content.decode()
    detail = as_owner.get(f"/admin/accounts/apitoken/{one.id}/change/").content.decode()
    as_owner.post(f"/admin/accounts/apitoken/{one.id}/delete/", {"post": "yes"})
    do_action(as_owner, "apitoken", "delete_selected", two)

    assert "laptop" in listing
    assert "phone" in listing
    assert one.digest not in listing + detail
    assert not ApiToken.objects.exists()
    assert withdrawn == [one.id, two.id]


class TestHowPeopleSignIn:
    def test_an_address_that_is_entered_counts_as_proven(self, as_owner, alice):
        as_owner.post(
            "/admin/account/emailaddress/add/",
            {"user": str(alice.id), "email": "Alice@Example.org"},
        )

        kept = EmailAddress.objects.get()
        assert (kept.email, kept.user, kept.verified, kept.primary) == (
            "alice@example.org", alice, True, True,
        )  # fmt: skip

    def test_an_address_belongs_to_one_person(self, as_owner, alice, bob):
        EmailAddress.objects.create(user=bob, email="bob@example.org", verified=True)

        answer = as_owner.post(
            "/admin/account/emailaddress/add/", {"user": str(alice.id), "email": "BOB@example.org"}
        )

        assert "Somebody already has this address." in answer.content.decode()
        assert EmailAddress.objects.get().user == bob

    def test_a_lost_second_step_is_taken_away_with_its_codes(self, as_owner, owner, alice):
        app = Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={})
        Authenticator.objects.create(user=alice, type=Authenticator.Type.RECOVERY_CODES, data={})

        as_owner.post(f"/admin/mfa/authenticator/{app.pk}/delete/", {"post": "yes"})

        assert not Authenticator.objects.exists()
        assert AuditLine.objects.filter(action="second_step_removed", actor=owner.id).exists()

    def test_what_codes_are_made_of_is_shown_nowhere(self, as_owner, alice):
        app = Authenticator.objects.create(
            user=alice, type=Authenticator.Type.TOTP, data={"secret": "sealed text"}
        )

        page = as_owner.get(f"/admin/mfa/authenticator/{app.pk}/change/").content.decode()

        assert "sealed text" not in page


def test_sign_ins_are_listed_found_and_ended_but_their_key_is_never_shown(
    as_owner, alice, bob, withdrawn
):
    theirs = Client()
    theirs.force_login(bob)
    Client().force_login(alice)
    row = SignIn.objects.get(user=bob)

    listing = as_owner.get("/admin/accounts/signin/", {"q": "BOB", "used": "day"}).content.decode()
    detail = as_owner.get(f"/admin/accounts/signin/{row.id}/change/").content.decode()
    idle = as_owner.get("/admin/accounts/signin/", {"used": "idle"}).content.decode()
    ended = as_owner.post(
        "/admin/accounts/signin/",
        {"action": "sign_out", "_selected_action": [str(row.id)]},
        follow=True,
    )

    assert str(row.id) in listing
    assert str(SignIn.objects.get(user=alice).id) not in listing
    assert row.session_key not in listing + detail
    assert "0 sign ins" in idle
    assert "1 signed out." in ended.content.decode()
    assert withdrawn == [row.id]
    assert theirs.get("/settings").status_code == 302


def test_sign_ins_are_neither_added_changed_nor_ended_by_who_only_looks(client, owner, bob):
    auditor = create_user(username="otto", password=PASSWORD, role=OrganisationRole.AUDITOR)
    client.force_login(auditor)
    row = SignIn.objects.get()
    path = "/admin/accounts/signin/"

    do_action(client, "signin", "sign_out", row)
    refused = [client.post(f"{path}{row.id}/{act}/").status_code for act in ("change", "delete")]

    assert client.get(path).status_code == 200
    assert client.get(f"{path}add/").status_code == 403
    assert refused == [403, 403]
    assert SignIn.objects.exists()


def test_a_group_is_made_renamed_and_deleted_by_the_actions(as_owner, owner):
    told = []

    def listener(action, by, **_):
        told.append((action, by))

    group_happened.connect(listener)
    some = Permission.objects.first()
    try:
        as_owner.post("/admin/auth/group/add/", {"name": " Editors ", "permissions": [some.pk]})
        group = Group.objects.get(name="Editors")
        path = f"/admin/auth/group/{group.pk}"
        as_owner.post(f"{path}/change/", {"name": "Authors", "permissions": []})
        as_owner.post(f"{path}/change/", {"name": "Authors", "permissions": [some.pk]})
        group.refresh_from_db()
        assert (group.name, list(group.permissions.all())) == ("Authors", [some])
        as_owner.post(f"{path}/delete/", {"post": "yes"})
    finally:
        group_happened.disconnect(listener)

    allowed = ("group_permissions_set", owner)
    assert told == [
        ("group_made", owner),
        allowed,
        ("group_renamed", owner),
        allowed,
        allowed,
        ("group_deleted", owner),
    ]
    assert not Group.objects.filter(pk=group.pk).exists()


@pytest.mark.parametrize(("name", "says"), [("EDITORS", "already"), ("a\u202eb", "visible")])
def test_a_taken_or_bad_name_of_a_group_is_said_in_the_form(as_owner, name, says):
    Group.objects.create(name="Editors")

    response = as_owner.post("/admin/auth/group/add/", {"name": name})

    assert response.status_code == 200
    assert says in response.content.decode()
    assert not Group.objects.filter(name=name).exists()


class TestWhatAPersonMay:
    """The audit log tells who made whom what."""

    def change(self, client, user, **more):
        fields = {"display_name": user.display_name, "organisation_role": "member", **more}
        page = f"/admin/accounts/user/{user.id}/change/"
        assert client.post(page, fields).status_code == 302
        user.refresh_from_db()

    def told(self, action):
        return [
            (line.actor, line.entry, line.details)
            for line in AuditLine.objects.filter(action=action).order_by("id")
        ]

    def test_is_told_of_owners(self, as_owner, owner, bob):
        self.change(as_owner, bob, is_superuser="on")
        assert (bob.is_superuser, bob.is_staff) == (True, True)
        self.change(as_owner, bob)

        assert (bob.is_superuser, bob.is_staff) == (False, False)
        assert self.told("owner_set") == [
            (owner.id, bob.id, {"owner": True}),
            (owner.id, bob.id, {"owner": False}),
        ]

    def test_is_told_of_staff(self, as_owner, owner, bob):
        self.change(as_owner, bob, organisation_role="auditor")

        assert bob.is_staff
        changed = {"before": "member", "after": "auditor"}
        assert self.told("role_set") == [(owner.id, bob.id, changed)]

    def test_is_told_of_what_they_are_called(self, as_owner, owner, bob):
        self.change(as_owner, bob, display_name="Robert")
        self.change(as_owner, bob)

        changed = {"before": "Bob Baker", "after": "Robert"}
        assert self.told("display_name_set") == [(owner.id, bob.id, changed)]

    def test_is_told_of_what_their_group_may(self, as_owner, owner):
        looks = Permission.objects.get(codename="view_user")
        group = Group.objects.create(name="Editors")
        page = f"/admin/auth/group/{group.pk}/change/"

        for _ in range(2):
            as_owner.post(page, {"name": "Editors", "permissions": [looks.pk]})

        told = {"given": ["accounts.view_user"], "taken": [], "group": str(group.pk)}
        assert self.told("group_permissions_set") == [(owner.id, None, told)]

    def test_is_told_of_permissions(self, as_owner, owner, bob):
        looks = Permission.objects.get(codename="view_user")
        acts = Permission.objects.get(codename="change_user")

        self.change(as_owner, bob, user_permissions=[looks.pk])
        self.change(as_owner, bob, user_permissions=[looks.pk])
        self.change(as_owner, bob, user_permissions=[acts.pk])

        assert list(bob.user_permissions.all()) == [acts]
        view, change = "accounts.view_user", "accounts.change_user"
        assert self.told("permissions_set") == [
            (owner.id, bob.id, {"given": [view], "taken": []}),
            (owner.id, bob.id, {"given": [change], "taken": [view]}),
        ]

    def test_is_given_by_owners_alone(self, alice, bob):
        with pytest.raises(PermissionDenied):
            actions.set_permissions(user=bob, permissions=Permission.objects.all(), by=alice)

        assert not bob.user_permissions.exists()


class TestPasswords:
    @pytest.fixture
    def page(self, alice):
        return f"/admin/accounts/user/{alice.id}/password/"

    def test_that_are_set_are_told_and_end_what_the_old_one_opened(
        self, as_owner, owner, alice, page, withdrawn
    ):
        theirs = Client()
        theirs.force_login(alice)
        session = SignIn.objects.get(user=alice)

        as_owner.post(page, {"password1": "another good one", "password2": "another good one"})

        alice.refresh_from_db()
        assert alice.check_password("another good one")
        assert withdrawn == [session.id]
        assert theirs.get("/settings").status_code == 302
        assert AuditLine.objects.get(action="password_set").actor == owner.id

    def test_can_be_ended_for_who_comes_from_elsewhere(self, as_owner, owner, alice, page):
        as_owner.post(page, {"usable_password": "false", "unset-password": "x"})

        alice.refresh_from_db()
        assert not alice.has_usable_password()
        assert AuditLine.objects.get(action="password_set").actor == owner.id

    def test_nobody_could_sign_in_with_are_refused(self, as_owner, alice, page):
        """The door takes none that is longer than this."""
        long = "x1" * 600

        answer = as_owner.post(page, {"password1": long, "password2": long})
        new = {"username": "carol", "password1": long, "password2": long}
        added = as_owner.post("/admin/accounts/user/add/", {**new, "organisation_role": "member"})

        for shown in (answer, added):
            assert "longer than 1024 characters" in shown.content.decode()
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)
        assert not User.objects.filter(username="carol").exists()

    @pytest.mark.parametrize("door", ["password_change/", "password_change/done/"])
    def test_of_ones_own_are_changed_at_the_one_guarded_door(self, as_owner, owner, door):
        new = {"old_password": PASSWORD, "new_password1": "a new one", "new_password2": "a new one"}

        assert as_owner.get(f"/admin/{door}")["Location"] == "/settings"
        assert as_owner.post(f"/admin/{door}", new)["Location"] == "/settings"
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)

    def test_that_are_no_good_are_refused(self, as_owner, alice, page):
        answer = as_owner.post(page, {"password1": "short", "password2": "short"})

        assert answer.status_code == 200
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)
