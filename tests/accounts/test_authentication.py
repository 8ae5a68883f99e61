import datetime as dt

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.models import ApiToken
from rapidserve.observability.requests import client_address

pytestmark = [pytest.mark.urls("tests.rapidserve.api.urls"), pytest.mark.django_db]


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def get(headers, client=None):
    return (client or Client()).get("/api/private", headers=headers)


def assert_not_authenticated(response):
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "not_authenticated"
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_speaks_for_its_user(alice, scheme):
    text = actions.make_token(user=alice, name="laptop").text

    response = get({"Authorization": f"{scheme} {text}"})

    assert response.json() == {"hello": "alice"}


def test_a_token_costs_one_query(alice, as_alice, django_assert_num_queries):
    get(as_alice)  # notes the use, once a minute

    with django_assert_num_queries(1):
        get(as_alice)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer rs_" + "a" * 43, "Bearer lg_" + "a" * 43, "Basic YTpi",
     "Token x", "rs_" + "a" * 43, "Bearer a b", "Bearer \xe9", "Bearer rs_" + "a" * 60_000],
)  # fmt: skip
def test_any_other_authorization_is_refused_even_beside_a_good_session(client, alice, header):
    client.force_login(alice)
    assert get({}, client).status_code == 200

    assert_not_authenticated(get({"Authorization": header}, client))


def test_nothing_at_all_is_refused(db):
    assert_not_authenticated(get({}))


def test_an_expired_token_is_refused(alice):
    token = actions.make_token(user=alice, name="old", lifetime=dt.timedelta(seconds=-1))

    assert_not_authenticated(get(bearer(token.text)))


def test_a_revoked_token_is_refused(alice):
    token = actions.make_token(user=alice, name="laptop")
    assert get(bearer(token.text)).status_code == 200

    actions.revoke_token(token=token.row)

    assert_not_authenticated(get(bearer(token.text)))


def test_when_a_token_was_used_is_noted_at_most_once_a_minute(alice):
    token = actions.make_token(user=alice, name="laptop")
    rows = ApiToken.objects.filter(id=token.row.id)

    get(bearer(token.text))
    first = rows.get().last_used_at
    get(bearer(token.text))
    assert rows.get().last_used_at == first

    rows.update(last_used_at=timezone.now() - dt.timedelta(seconds=61))
    get(bearer(token.text))
    assert rows.get().last_used_at > first


def test_a_busy_database_does_not_stop_a_read(alice, as_alice, monkeypatch):
    def locked(*_, **__):
        raise OperationalError("database is locked")

    monkeypatch.setattr("django.db.models.query.QuerySet.update", locked)

    assert get(as_alice).status_code == 200


def test_a_token_to_read_may_not_write(alice):
    text = actions.make_token(user=alice, name="reader", scopes=["files:read"]).text

    refused = Client().post("/api/private", headers=bearer(text))

    assert get(bearer(text)).status_code == 200
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "permission_denied"
    assert refused.json()["error"]["scope"] == "files:write"


def test_a_token_to_write_may_not_read(alice):
    text = actions.make_token(user=alice, name="dropbox", scopes=["files:write"]).text

    assert Client().post("/api/private", headers=bearer(text)).status_code == 200
    assert get(bearer(text)).status_code == 403


def test_a_session_without_csrf_token_may_read_but_not_write(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    refused = client.post("/api/private")

    assert get({}, client).status_code == 200
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "csrf_failed"


def test_a_session_with_csrf_token_may_write(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.cookies["csrftoken"] = "x" * 32

    written = client.post(
        "/api/private", {}, content_type="application/json", headers={"X-CSRFToken": "x" * 32}
    )
    as_form = client.post("/api/private", {"a": 1}, headers={"X-CSRFToken": "x" * 32})

    assert written.json() == {"hello": "alice"}
    assert as_form.status_code == 415


def test_a_token_needs_no_csrf_token(alice, as_alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    assert client.post("/api/private", headers=as_alice).status_code == 200


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "address"),
    [
        (False, "203.0.113.7", None, "203.0.113.7"),
        (False, "203.0.113.7", "198.51.100.1", "203.0.113.7"),
        (True, "127.0.0.1", None, "127.0.0.1"),
        (True, "127.0.0.1", "198.51.100.1", "198.51.100.1"),
        (True, "127.0.0.1", "made up, 203.0.113.9", "203.0.113.9"),
        (True, "127.0.0.1", "made up", "unknown"),
        (False, "", None, "unknown"),
        (False, "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        (False, "::ffff:203.0.113.7", None, "203.0.113.7"),
    ],
)
def test_the_address_that_counts_cannot_be_made_up(
    rf, settings, trusted, remote, forwarded, address
):
    settings.TRUST_PROXY = trusted
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    assert client_address(rf.get("/", headers=headers, REMOTE_ADDR=remote)) == address
