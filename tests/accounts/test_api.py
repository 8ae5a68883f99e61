"""The account endpoints as a program sees them."""

import datetime as dt
import json
import time

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.models import ApiToken
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client=None, **body):
    asked = {"username": "alice", "password": PASSWORD, "name": "laptop"} | body
    return (client or Client()).post("/api/auth/token", asked, content_type="application/json")


def make_token_later(user, name):
    time.sleep(0.002)  # ids, and so the order of the list, tell milliseconds apart
    return actions.make_token(user=user, name=name)


def error_of(response):
    return response.status_code, response.json()["error"]["code"]


def without_request_id(response):
    error = response.json()["error"]
    return {name: value for name, value in error.items() if name != "request_id"}


@pytest.mark.usefixtures("alice")
class TestSigningIn:
    def test_the_answer_is_a_token_that_works(self, alice):
        response = sign_in()

        answer = response.json()
        assert response.status_code == 201
        assert response["Cache-Control"] == "no-store"
        assert set(answer) == {"token", "id", "name", "scopes", "expires_at", "user"}
        assert answer["name"] == "laptop"
        assert answer["scopes"] == ["files:read", "files:write", "account"]
        assert answer["user"] == {
            "id": str(alice.id),
            "username": "alice",
            "display_name": "Alice Arden",
        }
        me = Client().get("/api/auth/me", headers={"Authorization": f"Bearer {answer['token']}"})
        assert me.json()["id"] == str(alice.id)

    def test_a_token_lives_90_days_or_as_long_as_asked_or_for_ever(self):
        def lifetime(response):
            ends = dt.datetime.fromisoformat(response.json()["expires_at"])
            return round((ends - timezone.now()).total_seconds() / 10) * 10

        assert lifetime(sign_in()) == 90 * 86_400
        assert lifetime(sign_in(expires_in=600)) == 600
        assert sign_in(expires_in=None).json()["expires_at"] is None

    def test_a_token_has_the_scopes_that_were_asked_for(self):
        assert sign_in(scopes=["files:read"]).json()["scopes"] == ["files:read"]

    def test_wrong_credentials_look_the_same_whatever_is_wrong(self, bob):
        actions.deactivate_user(user=bob)

        answers = [
            sign_in(password="wrong"),
            sign_in(username="nobody"),
            sign_in(username="bob"),
            sign_in(username="<script>", password="x"),
        ]

        assert {error_of(response) for response in answers} == {(401, "credentials_invalid")}
        assert len({json.dumps(without_request_id(response)) for response in answers}) == 1
        assert all(response["WWW-Authenticate"] for response in answers)

    def test_an_unknown_name_costs_a_password_check_as_well(self, hashed_passwords):
        sign_in(password="wrong")
        known = len(hashed_passwords)
        sign_in(username="nobody", password="wrong")

        assert len(hashed_passwords) - known == known == 1

    def test_after_five_failures_it_says_when_to_come_back(self):
        for _ in range(5):
            sign_in(password="wrong")

        response = sign_in()

        assert error_of(response) == (429, "too_many_attempts")
        assert 0 < int(response["Retry-After"]) <= 60

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({"username": None}, "username_invalid", "username"),
            ({"username": {"$ne": None}}, "username_invalid", "username"),
            ({"username": "x" * 1025}, "username_invalid", "username"),
            ({"password": 5}, "password_invalid", "password"),
            ({"password": "x" * 1025}, "password_invalid", "password"),
            ({"password": "\ud800"}, "password_invalid", "password"),
            ({"name": ""}, "name_invalid", "name"),
            ({"name": "x" * 101}, "name_invalid", "name"),
            ({"name": "a\u202eb"}, "name_invalid", "name"),
            ({"scopes": "files:read"}, "scope_invalid", "scopes"),
            ({"scopes": []}, "scope_invalid", "scopes"),
            ({"scopes": ["root"]}, "scope_invalid", "scopes.0"),
            ({"expires_in": 0}, "expires_in_invalid", "expires_in"),
            ({"expires_in": 10**18}, "expires_in_invalid", "expires_in"),
            ({"expires_in": True}, "expires_in_invalid", "expires_in"),
            ({"is_superuser": True}, "unknown_field", "is_superuser"),
        ],
    )
    def test_a_body_with_a_wrong_value_is_422(self, body, code, field):
        response = sign_in(**body)

        assert error_of(response) == (422, code)
        assert response.json()["error"]["field"] == field
        assert not ApiToken.objects.exists()

    @pytest.mark.parametrize("missing", ["username", "password", "name"])
    def test_a_missing_field_is_422(self, missing):
        body = {"username": "alice", "password": PASSWORD, "name": "laptop"}
        del body[missing]

        response = Client().post("/api/auth/token", body, content_type="application/json")

        assert error_of(response) == (422, "field_required")

    def test_a_session_is_neither_needed_nor_looked_at(self, bob):
        client = Client(enforce_csrf_checks=True)
        client.force_login(bob)

        assert sign_in(client).json()["user"]["username"] == "alice"
        assert sign_in(Client(headers={"Authorization": "nonsense"})).status_code == 201

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE"])
    def test_only_post_signs_in(self, method):
        response = Client().generic(method, "/api/auth/token")

        assert error_of(response) == (405, "method_not_allowed")
        assert "POST" in response["Allow"]


@pytest.fixture
def hashed_passwords(monkeypatch):
    """The passwords that were hashed."""
    hashed = []
    encode = MD5PasswordHasher.encode

    def counting(self, password, salt):
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    return hashed


@pytest.mark.usefixtures("alice")
class TestMe:
    def test_it_is_the_person_whose_token_it_is(self, client, as_alice):
        answer = client.get("/api/auth/me", headers=as_alice).json()

        assert set(answer) == {
            "id",
            "username",
            "display_name",
            "is_staff",
            "organisation_role",
            "created_at",
        }
        assert (answer["username"], answer["is_staff"]) == ("alice", False)
        assert answer["organisation_role"] == "member"

    def test_it_is_the_person_whose_session_it_is(self, client, alice):
        client.force_login(alice)

        assert client.get("/api/auth/me").json()["username"] == "alice"

    def test_any_scope_will_do(self, client, alice):
        text = actions.make_token(user=alice, name="drop", scopes=["files:write"]).text

        answer = client.get("/api/auth/me", headers={"Authorization": f"Bearer {text}"})

        assert answer.status_code == 200

    def test_nobody_is_401(self, client):
        assert error_of(client.get("/api/auth/me")) == (401, "not_authenticated")


@pytest.mark.usefixtures("bob")
class TestFindingPeople:
    @pytest.fixture
    def find(self, client, as_alice):
        def find(q=None, **query):
            if q is not None:
                query["q"] = q
            return client.get("/api/users", query, headers=as_alice)

        return find

    def names(self, response):
        return [person["username"] for person in response.json()["results"]]

    @pytest.mark.parametrize("q", ["bo", "BOB", "Bob B", "bob bak", " bob ", "ｂｏ"])
    def test_by_the_beginning_of_either_name(self, find, q):
        assert self.names(find(q)) == ["bob"]

    @pytest.mark.parametrize("q", [None, "", "b", "b ", "ob", "%%", "__", "bob%", "\0\0", ".*"])
    def test_anything_else_finds_nobody(self, find, q):
        response = find(q)

        assert response.status_code == 200
        assert response.json() == {"results": [], "next": None}

    def test_a_person_is_told_by_three_facts(self, find, bob):
        assert find("bob").json()["results"] == [
            {"id": str(bob.id), "username": "bob", "display_name": "Bob Baker"}
        ]

    def test_the_deactivated_are_not_found(self, find, bob):
        actions.deactivate_user(user=bob)

        assert self.names(find("bob")) == []

    def test_pages_follow_each_other_without_gap_or_repetition(self, find):
        for number in (3, 1, 4, 0, 2):
            actions.create_user(username=f"carol{number}", password=PASSWORD)

        first = find("carol", limit=2)
        second = find("carol", limit=2, cursor=first.json()["next"])
        third = find("carol", limit=2, cursor=second.json()["next"])

        pages = [self.names(page) for page in (first, second, third)]
        assert pages == [["carol0", "carol1"], ["carol2", "carol3"], ["carol4"]]
        assert third.json()["next"] is None

    def test_a_full_last_page_is_the_last(self, find):
        assert find("bob", limit=1).json()["next"] is None

    def test_limit_and_cursor_are_checked(self, find):
        assert error_of(find("bob", limit="many")) == (422, "limit_invalid")
        assert error_of(find("bob", cursor="forged")) == (400, "cursor_invalid")
        assert error_of(find("bob", cursor="")) == (400, "cursor_invalid")

    def test_strangers_find_nobody(self, client):
        assert error_of(client.get("/api/users?q=bob")) == (401, "not_authenticated")


class TestOwnTokens:
    def test_the_list_has_ones_own_newest_first_and_never_the_text(self, client, alice, bob):
        first = make_token_later(alice, "first")
        second = make_token_later(alice, "second")
        actions.make_token(user=bob, name="bobs")

        response = client.get("/api/auth/tokens", headers={"Authorization": f"Bearer {first.text}"})

        rows = response.json()["results"]
        assert [row["name"] for row in rows] == ["second", "first"]
        assert set(rows[0]) == {
            "id", "name", "scopes", "created_at", "expires_at", "last_used_at"
        }  # fmt: skip
        for token in (first, second):
            assert token.text not in response.content.decode()
            assert token.row.digest not in response.content.decode()

    def test_the_list_is_paged(self, client, alice):
        for number in range(3):
            make_token_later(alice, str(number))
        client.force_login(alice)

        first = client.get("/api/auth/tokens?limit=2").json()
        second = client.get("/api/auth/tokens", {"limit": 2, "cursor": first["next"]}).json()

        assert [row["name"] for row in first["results"] + second["results"]] == ["2", "1", "0"]
        assert second["next"] is None

    def test_a_revoked_token_stops_working(self, client, alice, as_alice):
        token = ApiToken.objects.get(user=alice)

        response = client.delete(f"/api/auth/tokens/{token.id}", headers=as_alice)

        assert response.status_code == 204
        assert response.content == b""
        assert client.get("/api/auth/me", headers=as_alice).status_code == 401

    def test_somebody_elses_token_looks_like_none(self, client, bob, as_alice):
        others = actions.make_token(user=bob, name="bobs").row

        foreign = client.delete(f"/api/auth/tokens/{others.id}", headers=as_alice)
        malformed = client.delete("/api/auth/tokens/nonsense", headers=as_alice)

        assert error_of(foreign) == error_of(malformed) == (404, "not_found")
        assert without_request_id(foreign) == without_request_id(malformed)
        assert ApiToken.objects.filter(id=others.id).exists()

    def test_a_token_without_the_scope_account_may_neither_list_nor_revoke(self, client, alice):
        made = actions.make_token(user=alice, name="rig", scopes=["files:read", "files:write"])
        headers = {"Authorization": f"Bearer {made.text}"}

        listing = client.get("/api/auth/tokens", headers=headers)
        revoking = client.delete(f"/api/auth/tokens/{made.row.id}", headers=headers)

        assert error_of(listing) == error_of(revoking) == (403, "permission_denied")
        assert ApiToken.objects.exists()


def test_the_documentation_names_every_account_endpoint_and_its_errors(client):
    schema = client.get("/api/schema/?format=json").json()

    post = schema["paths"]["/api/auth/token"]["post"]
    assert {"201", "400", "401", "422", "429"} <= set(post["responses"])
    assert schema["components"]["schemas"]["SignInRequest"]["additionalProperties"] is False
    assert {"token", "session"} <= set(schema["components"]["securitySchemes"])
    assert {"/api/auth/me", "/api/users", "/api/auth/tokens", "/api/auth/tokens/{token_id}"} <= set(
        schema["paths"]
    )
