import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import actions
from accounts.models import ApiToken, User, name_key
from rapidserve.db import current_time
from rapidserve.errors import Conflict, Invalid, NotAuthenticated, NotFound
from tests.accounts.conftest import PASSWORD


@pytest.fixture
def heard():
    """What was announced, in order: (signal, id)."""
    announced = []

    def on_created(user, **_):
        announced.append(("created", user.id))

    def on_withdrawn(subject_id, **_):
        announced.append(("withdrawn", subject_id))

    actions.user_created.connect(on_created)
    actions.credential_withdrawn.connect(on_withdrawn)
    yield announced
    actions.user_created.disconnect(on_created)
    actions.credential_withdrawn.disconnect(on_withdrawn)


@pytest.mark.django_db
class TestCreatingPeople:
    def test_a_person_can_sign_in_and_is_announced(self, heard):
        user = actions.create_user(username="alice", password=PASSWORD, display_name="Alice Arden")

        stored = User.objects.get(id=user.id)
        assert stored.check_password(PASSWORD)
        assert (stored.username, stored.display_name) == ("alice", "Alice Arden")
        assert not stored.is_staff
        assert not stored.is_superuser
        assert heard == [("created", user.id)]

    def test_without_a_display_name_the_name_is_shown(self):
        assert actions.create_user(username="Alice", password=PASSWORD).display_name == "Alice"

    def test_an_owner_may_do_everything_and_is_announced(self, heard):
        owner = actions.create_owner(username="owner", password=PASSWORD)

        assert owner.is_staff
        assert owner.has_perm("accounts.change_user")
        assert heard == [("created", owner.id)]

    @pytest.mark.parametrize("same", ["bob", "Bob", "BOB", "ｂｏｂ"])
    def test_bob_in_any_case_is_one_person(self, bob, same):
        for create in (actions.create_user, actions.create_owner):
            with pytest.raises(Conflict) as caught:
                create(username=same, password=PASSWORD)
            assert (caught.value.code, caught.value.field) == ("name_taken", "username")

        bob.refresh_from_db()
        assert not bob.is_superuser

    @pytest.mark.parametrize("one", ["straße", "ΐ", "ﬁx", "İstanbul"])
    def test_names_in_any_script_are_found_whatever_their_case(self, one):
        user = actions.create_user(username=one, password=PASSWORD)

        assert User.objects.get_by_natural_key(one.upper()) == user
        assert User.objects.get_by_natural_key(user.username) == user

    @pytest.mark.parametrize(
        "name",
        ["", " ", "a b", "a/b", "a\0", "a\n", "\ud800", "a\u202eb", "a\u200bb", "x" * 151, "<b>"],
    )
    def test_a_name_that_is_none_is_refused(self, name):
        with pytest.raises(Invalid) as caught:
            actions.create_user(username=name, password=PASSWORD)

        assert (caught.value.code, caught.value.field) == ("username_invalid", "username")
        assert not User.objects.exists()

    @pytest.mark.parametrize("name", ["a", "x" * 150, "a.b+c-d_e@f", "Zoë", "東京", "42"])
    def test_letters_digits_and_a_few_signs_make_a_name(self, name):
        assert actions.create_user(username=name, password=PASSWORD).username == name

    @pytest.mark.parametrize("name", ["x" * 151, "a\0b", "a\u202eb", "\ud800", "two\nlines"])
    def test_a_display_name_that_deceives_is_refused(self, name):
        with pytest.raises(Invalid) as caught:
            actions.create_user(username="alice", password=PASSWORD, display_name=name)

        assert caught.value.code == "display_name_invalid"

    @pytest.mark.parametrize(
        "password", ["", "short", "password1234", "alice-alice", "x" * 1025, "\ud800" * 12]
    )
    def test_a_bad_password_is_refused_and_nobody_made(self, password):
        with pytest.raises(Invalid) as caught:
            actions.create_user(username="alice-alice", password=password)

        assert (caught.value.code, caught.value.field) == ("password_invalid", "password")
        assert not User.objects.exists()

    def test_when_a_listener_fails_nobody_is_made(self):
        def refuse(**_):
            raise RuntimeError("no room")

        actions.user_created.connect(refuse)
        try:
            with pytest.raises(RuntimeError):
                actions.create_user(username="alice", password=PASSWORD)
        finally:
            actions.user_created.disconnect(refuse)

        assert not User.objects.exists()


@pytest.mark.django_db
class TestPasswords:
    def test_a_new_password_replaces_the_old_one(self, alice):
        actions.set_password(user=alice, password="another good one")

        stored = User.objects.get(id=alice.id)
        assert stored.check_password("another good one")
        assert not stored.check_password(PASSWORD)

    def test_a_new_password_ends_the_sessions(self, alice, client):
        client.force_login(alice)
        assert client.get("/api/auth/me").status_code == 200

        actions.set_password(user=alice, password="another good one")

        assert client.get("/api/auth/me").status_code == 401

    def test_a_password_too_long_to_be_anybodys_opens_nothing(self, alice):
        alice.set_password("x" * 1025)
        alice.save()

        with pytest.raises(NotAuthenticated):
            actions.authenticated(username="alice", password="x" * 1025, address="203.0.113.7")

    def test_a_guess_is_as_much_work_whoever_is_known(self, alice):
        """Or the time it takes would tell."""

        def questions(username, address):
            with CaptureQueriesContext(connection) as asked, pytest.raises(NotAuthenticated):
                actions.authenticated(username=username, password="wrong", address=address)
            return len(asked)

        known, unknown = questions("alice", "203.0.113.7"), questions("nobody", "203.0.113.8")

        assert known == unknown > 0

    def test_a_bad_password_changes_nothing(self, alice):
        with pytest.raises(Invalid):
            actions.set_password(user=alice, password="short")

        assert User.objects.get(id=alice.id).check_password(PASSWORD)


@pytest.mark.django_db
class TestDeactivating:
    def test_nothing_works_any_more_and_it_is_announced(self, alice, as_alice, client, heard):
        assert client.get("/api/auth/me", headers=as_alice).status_code == 200
        client.force_login(alice)

        actions.deactivate_user(user=alice)

        assert client.get("/api/auth/me", headers=as_alice).status_code == 401
        assert client.get("/api/auth/me").status_code == 401
        assert heard == [("withdrawn", alice.id)]

    def test_a_reactivated_person_has_what_they_had(self, alice, as_alice, client):
        actions.deactivate_user(user=alice)
        actions.reactivate_user(user=alice)

        assert client.get("/api/auth/me", headers=as_alice).status_code == 200


@pytest.mark.django_db
class TestTokens:
    def test_only_the_digest_is_stored(self, alice):
        made = actions.make_token(user=alice, name="laptop")

        row = ApiToken.objects.values().get()
        assert made.text not in map(str, row.values())
        assert made.text.removeprefix("rs_") not in str(row)

    def test_a_token_may_do_everything_for_90_days_unless_told_otherwise(self, alice):
        before = current_time()

        row = actions.make_token(user=alice, name="laptop").row

        assert row.scopes == ["files:read", "files:write", "account"]
        assert row.expires_at is not None
        assert row.expires_at - before >= dt.timedelta(days=90)
        assert row.expires_at - timezone.now() <= dt.timedelta(days=90)

    def test_a_token_may_live_for_ever_and_do_little(self, alice):
        row = actions.make_token(
            user=alice, name="rig", scopes=["files:read", "files:read"], lifetime=None
        ).row

        assert ApiToken.objects.get(id=row.id).scopes == ["files:read"]
        assert ApiToken.objects.get(id=row.id).expires_at is None

    @pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "a\u202eb", "\ud800"])
    def test_a_bad_name_is_refused(self, alice, name):
        with pytest.raises(Invalid) as caught:
            actions.make_token(user=alice, name=name)

        assert caught.value.code == "name_invalid"

    @pytest.mark.parametrize("scopes", [[], ["root"], ["files:read", "admin"]])
    def test_an_unknown_scope_is_refused(self, alice, scopes):
        with pytest.raises(Invalid) as caught:
            actions.make_token(user=alice, name="laptop", scopes=scopes)

        assert caught.value.code == "scope_invalid"

    def test_expired_tokens_of_the_same_person_go_when_a_new_one_is_made(self, alice, bob):
        ended = dt.timedelta(seconds=-1)
        mine = actions.make_token(user=alice, name="old", lifetime=ended).row
        others = actions.make_token(user=bob, name="old", lifetime=ended).row
        good = actions.make_token(user=alice, name="good").row

        left = set(ApiToken.objects.values_list("id", flat=True))

        assert mine.id not in left
        assert {others.id, good.id} <= left

    def test_revoking_is_announced_and_happens_once(self, alice, heard):
        row = actions.make_token(user=alice, name="laptop").row

        actions.revoke_token(token=row)
        with pytest.raises(NotFound):
            actions.revoke_token(token=row)

        assert heard == [("withdrawn", row.id)]
        assert not ApiToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_take_a_name_at_once_one_gets_it():
    def create(name):
        try:
            actions.create_user(username=name, password=PASSWORD)
        except Conflict as error:
            return error.code
        finally:
            connection.close()
        return "made"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(create, ["Bob", "bob", "BOB", "bOb"] * 2))

    assert sorted(outcomes) == ["made"] + ["name_taken"] * 7
    assert User.objects.filter(username_key=name_key("bob")).count() == 1
