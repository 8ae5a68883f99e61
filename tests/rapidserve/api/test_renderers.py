import pytest

from accounts.actions import create_user, make_token

pytestmark = [pytest.mark.urls("tests.rapidserve.api.urls"), pytest.mark.django_db]

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def alice():
    return create_user(username="alice", password="correct horse battery")


def test_a_browser_that_is_signed_in_sees_the_browsable_api(client, alice):
    client.force_login(alice)

    response = client.get("/api/private", headers=BROWSER)

    assert response["Content-Type"].startswith("text/html")
    assert "alice" in response.content.decode()


def test_a_browser_that_is_not_signed_in_sees_the_json(client):
    response = client.get("/api/private", headers=BROWSER)

    assert response.status_code == 401
    assert response["Content-Type"] == "application/json"
    assert response.json()["error"]["code"] == "not_authenticated"


def test_a_program_with_a_token_gets_json_whatever_it_accepts(client, alice):
    token = make_token(user=alice, name="laptop").text

    response = client.get("/api/private", headers=BROWSER | {"Authorization": f"Bearer {token}"})

    assert response["Content-Type"] == "application/json"
    assert response.json() == {"hello": "alice"}


def test_a_bad_token_in_a_browser_is_answered_in_json(client, alice):
    client.force_login(alice)

    response = client.get("/api/private", headers=BROWSER | {"Authorization": "Bearer nonsense"})

    assert response.status_code == 401
    assert response["Content-Type"] == "application/json"


def test_errors_are_browsable_too(client, alice):
    client.force_login(alice)

    response = client.get("/api/raise/stale", headers=BROWSER)

    assert response.status_code == 412
    assert response["Content-Type"].startswith("text/html")
    assert "It changed." in response.content.decode()
