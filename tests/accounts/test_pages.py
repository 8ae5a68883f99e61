"""Signing in and out in a browser."""

import re

import pytest
from django.test import Client

from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


INLINE_SCRIPT = re.compile(r"<script(?! src=)(?![^>]* type=.application/json.)")


def sign_in(client, password=PASSWORD, **data):
    return client.post("/login", {"username": "alice", "password": password} | data)


def test_the_page_works_without_scripts_and_names_its_fields(client):
    page = client.get("/login").content.decode()

    assert not INLINE_SCRIPT.search(page)
    assert "style=" not in page
    for name, completes in (("username", "username"), ("password", "current-password")):
        assert re.search(rf'<label for="id_{name}">', page)
        assert re.search(rf'id="id_{name}"[^>]*autocomplete="{completes}"', page)
    assert 'class="skip" href="#content"' in page


def test_the_right_password_opens_the_files(client, alice):
    response = sign_in(client)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/api/auth/me").json()["username"] == "alice"


def test_the_name_may_be_typed_in_any_case(client, alice):
    assert sign_in(client, username="ALICE").status_code == 302


def test_afterwards_one_is_where_one_wanted_to_go(client, alice):
    page = client.get("/login?next=/files/1").content.decode()

    assert 'name="next" value="/files/1"' in page
    assert sign_in(client, next="/files/1")["Location"] == "/files/1"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "\\\\evil", "javascript:alert(1)", " "]
)
def test_nobody_is_sent_to_another_host(client, alice, elsewhere):
    assert sign_in(client, next=elsewhere)["Location"] == "/"


@pytest.mark.parametrize(
    "elsewhere",
    ["//localhost/x", "https://127.0.0.1/x", "https://a.wild.example.org/x", "http://testserver/x",
     "//evil.example", "javascript:alert(1)"],
)  # fmt: skip
@pytest.mark.parametrize("page", ["/login", "/settings/confirm"])
def test_not_even_to_one_that_we_answer_for_too(client, alice, settings, page, elsewhere):
    settings.ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1", ".wild.example.org"]
    if page == "/settings/confirm":
        client.post("/login", {"username": "alice", "password": PASSWORD}, secure=True)
    typed = {"username": "alice", "password": PASSWORD, "next": elsewhere}

    answer = client.post(page, typed, secure=True)

    assert answer.status_code == 302
    assert answer["Location"] == "/"


@pytest.mark.parametrize("data", [{"password": "wrong"}, {"username": "nobody"}])
def test_a_wrong_sign_in_says_so_beside_the_fields(client, alice, data):
    response = sign_in(client, **data)
    page = response.content.decode()

    assert response.status_code == 200
    assert "The name or the password is wrong." in page
    assert page.count('aria-describedby="sign-in-problem"') == 2
    assert 'id="sign-in-problem"' in page
    assert PASSWORD not in page
    assert client.get("/api/auth/me").status_code == 401


def test_empty_fields_are_asked_for(client):
    page = client.post("/login", {}).content.decode()

    assert "Enter your name and your password." in page


@pytest.mark.parametrize(
    "data", [{"username": "a\0b"}, {"password": "a\0b"}, {"password": "x" * 9999}]
)
def test_odd_input_is_a_wrong_sign_in_at_most(client, alice, data):
    assert sign_in(client, **data).status_code == 200


def test_what_was_typed_is_shown_as_text(client):
    page = sign_in(client, username='"><script>alert(1)</script>').content.decode()

    assert not INLINE_SCRIPT.search(page)


def test_the_api_and_the_page_count_failures_together(client, alice):
    body = {"username": "alice", "password": "wrong", "name": "laptop"}
    for _ in range(3):
        client.post("/api/auth/token", body, content_type="application/json")
    for _ in range(2):
        sign_in(client, password="wrong")

    response = sign_in(client)

    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    assert "Try again in a minute." in response.content.decode()
    assert client.get("/api/auth/me").status_code == 401


def test_who_is_signed_in_is_sent_on(client, alice):
    client.force_login(alice)

    assert client.get("/login?next=/files/1")["Location"] == "/files/1"


def test_signing_out_ends_the_session(client, alice):
    client.force_login(alice)

    response = client.post("/logout")

    assert response["Location"] == "/login"
    assert client.get("/api/auth/me").status_code == 401


def test_a_link_does_not_sign_out(client, alice):
    client.force_login(alice)

    assert client.get("/logout").status_code == 405
    assert client.get("/api/auth/me").status_code == 200


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_a_form_from_another_site_is_refused(alice, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    response = sign_in(client) if path == "/login" else client.post(path)

    assert response.status_code == 403
    assert client.get("/api/auth/me").status_code == 200


def test_a_session_gets_a_new_id_when_somebody_signs_in(client, alice):
    client.get("/login")
    session = client.session
    session["x"] = 1
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before

    sign_in(client)

    assert client.cookies["sessionid"].value != before


@pytest.mark.parametrize("checks", [False, True])
@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=é",
        "application/x-www-form-urlencoded; charset=utf-16",
    ],
)
def test_a_form_in_a_form_that_is_none_is_refused(alice, kind, checks):
    client = Client(enforce_csrf_checks=checks, raise_request_exception=False)
    client.get("/login")
    token = client.cookies["csrftoken"].value

    answer = client.post("/login", b"username=alice", content_type=kind, HTTP_X_CSRFTOKEN=token)

    assert answer.status_code == 400
