import json
import logging

import pytest
from django.test import Client

pytestmark = [pytest.mark.urls("tests.rapidserve.api.urls"), pytest.mark.django_db]


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def error_pages(settings):
    name = "rapidserve.api.handler.ErrorPagesMiddleware"
    settings.MIDDLEWARE = [*(m for m in settings.MIDDLEWARE if m != name), name]


ANSWERS = [
    ("stale", 412, "stale"),
    ("busy", 503, "busy"),
    ("anonymous", 401, "not_authenticated"),
    ("drf-anonymous", 401, "not_authenticated"),
    ("drf-denied", 403, "permission_denied"),
    ("drf-missing", 404, "not_found"),
    ("drf-parse", 400, "json_invalid"),
    ("drf-throttled", 429, "too_many_requests"),
    ("drf-invalid", 422, "type_invalid"),
    ("drf-required", 422, "field_required"),
    ("drf-other", 500, "internal_error"),
    ("missing", 404, "not_found"),
    ("denied", 403, "permission_denied"),
    ("suspicious", 400, "request_invalid"),
    ("too-big", 413, "body_too_large"),
    ("locked", 503, "busy"),
    ("disk-full", 507, "storage_full"),
    ("crash", 500, "internal_error"),
]


@pytest.mark.parametrize(("kind", "status", "code"), ANSWERS)
def test_every_exception_of_an_api_view_is_answered_in_the_one_shape(client, kind, status, code):
    response = client.get(f"/api/raise/{kind}", headers={"X-Request-ID": "abc"})

    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    error = response.json()["error"]
    assert error["code"] == code
    assert error["request_id"] == "abc"
    assert error["message"]
    assert {"code", "message", "field", "hint", "request_id"} <= set(error)
    assert "secret" not in response.content.decode()
    assert "internal detail" not in response.content.decode()


@pytest.mark.parametrize(("kind", "status", "code"), ANSWERS)
def test_every_exception_of_a_page_is_a_page(client, kind, status, code):
    response = client.get(f"/raise/{kind}", headers={"X-Request-ID": "abc"})

    assert response["Content-Type"].startswith("text/html")
    assert "RapidServe" in response.content.decode()
    assert "secret" not in response.content.decode()
    if kind in {"stale", "busy", "missing", "denied", "suspicious", "crash"}:
        assert response.status_code == status
        assert "abc" in response.content.decode()


def test_facts_stand_beside_the_code(client):
    error = client.get("/api/raise/stale").json()["error"]

    assert (error["field"], error["current"]) == ("revision", 7)


def test_the_first_problem_of_a_drf_serializer_is_named_by_its_path(client):
    assert client.get("/api/raise/drf-invalid").json()["error"]["field"] == "chunks.1.size"
    assert client.get("/api/raise/drf-required").json()["error"]["field"] == "name"


@pytest.mark.parametrize(("kind", "seconds"), [("busy", "3"), ("drf-throttled", "2")])
def test_when_to_try_again_is_a_header(client, kind, seconds):
    assert client.get(f"/api/raise/{kind}")["Retry-After"] == seconds


@pytest.mark.parametrize("kind", ["anonymous", "drf-anonymous"])
def test_a_401_says_how_to_authenticate(client, kind):
    assert client.get(f"/api/raise/{kind}")["WWW-Authenticate"].startswith("Bearer")


def test_a_crash_is_logged_with_its_traceback_and_nothing_else_is(client, caplog):
    with caplog.at_level(logging.ERROR, logger="rapidserve.api"):
        client.get("/api/raise/stale")
        client.get("/api/raise/crash")

    ours = [record for record in caplog.records if record.name.startswith("rapidserve.api")]
    assert [record.exc_info[0] for record in ours] == [ZeroDivisionError]


@pytest.mark.parametrize("method", ["get", "put", "delete", "trace", "foo"])
def test_another_method_is_405_and_says_which_are_allowed(client, method):
    response = client.generic(method.upper(), "/api/echo")

    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"
    assert response["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api/echo/", "/api/../x", "/api/%00"])
def test_an_unknown_address_under_api_is_404_in_json_and_never_a_redirect(client, path):
    response = client.get(path)

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_an_unknown_page_is_a_friendly_404(client):
    response = client.get("/nothing")

    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_a_form_without_csrf_token_says_what_to_do():
    response = Client(enforce_csrf_checks=True).post("/form")

    assert response.status_code == 403
    assert "reload the page" in response.content.decode()


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "x", ""]
)
def test_a_body_of_another_type_is_415(client, content_type):
    response = client.generic("POST", "/api/echo", b'{"name": "bob"}', content_type=content_type)

    assert response.status_code == 415
    assert response.json()["error"]["code"] == "media_type_unsupported"


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_a_json_body_is_read(client, content_type):
    response = client.generic("POST", "/api/echo", b'{"name": "bob"}', content_type=content_type)

    assert response.status_code == 200
    assert response.json() == {"name": "bob"}


def test_a_post_without_a_body_lacks_its_fields(client):
    response = client.generic("POST", "/api/echo")

    assert response.status_code == 422
    assert response.json()["error"]["code"] == "field_required"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"nope", 400, "json_invalid"),
        (b"[" * 100_000, 400, "json_too_deep"),
        (b'{"name": ' + b"1" * 5000 + b"}", 400, "number_out_of_range"),
        (b'{"name": NaN}', 400, "json_invalid"),
        (b'{"name": "a", "name": "b"}', 400, "json_duplicate_key"),
        (b'{"name": "\\ud800"}', 422, "name_invalid"),
        (b'{"name": "bob", "\\ud800": 1}', 422, "unknown_field"),
        (b"[]", 422, "type_invalid"),
        (b"null", 422, "type_invalid"),
        (b'{"name": "bob", "items": [{"size": 18446744073709551616}]}', 422, "size_invalid"),
        (b'{"name": "bob", "parent": "../../etc/passwd"}', 404, "not_found"),
        (b" " * (4 * 2**20 + 1), 413, "body_too_large"),
    ],
)
def test_bad_bodies_are_answered_as_listed(client, body, status, code):
    response = client.generic("POST", "/api/echo", body, content_type="application/json")

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_what_nobody_can_answer_is_406(client):
    response = client.get("/api/raise/stale", headers={"Accept": "application/xml"})

    assert response.status_code == 406
    assert json.loads(response.content)["error"]["code"] == "not_acceptable"
