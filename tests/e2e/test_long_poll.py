"""`GET /api/changes?wait=…`: whoever waits hears of a change when it happens."""

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.e2e.cast import OWNER, PASSWORD

pytestmark = pytest.mark.e2e


@pytest.fixture
def alice(server):
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        body = {"username": OWNER, "password": PASSWORD, "name": "long poll"}
        token = client.post("/api/auth/token", json=body).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def changes(client, **query):
    response = client.get("/api/changes", params=query)
    assert response.status_code == 200, response.text
    return response.json()


def make_folder(client, name):
    root = client.get("/api/spaces").json()["results"][0]["root"]
    response = client.post("/api/files", json={"parent": root, "name": name, "type": "folder"})
    assert response.status_code == 201, response.text
    return response.json()["id"]


def test_a_waiter_is_answered_with_the_change(alice):
    cursor = changes(alice, cursor="latest")["cursor"]
    with ThreadPoolExecutor() as pool:
        waiter = pool.submit(changes, alice, cursor=cursor, wait=60)
        folder = make_folder(alice, "made while somebody waits")
        heard = waiter.result(timeout=25)
    assert [line["entry"] for line in heard["results"]] == [folder]
    assert changes(alice, cursor=heard["cursor"])["results"] == []


def test_what_happened_before_is_answered_at_once(alice):
    cursor = changes(alice, cursor="latest")["cursor"]
    folder = make_folder(alice, "made before anybody waits")
    heard = changes(alice, cursor=cursor, wait=60)
    assert [line["entry"] for line in heard["results"]] == [folder]


def test_when_nothing_happens_the_answer_is_empty(alice):
    cursor = changes(alice, cursor="latest")["cursor"]
    heard = changes(alice, cursor=cursor, wait=1)
    assert heard == {"results": [], "cursor": heard["cursor"], "has_more": False}


def test_a_wait_of_thousands_of_digits_is_only_a_long_one(alice):
    cursor = changes(alice, cursor="latest")["cursor"]
    folder = make_folder(alice, "there is something to say")
    heard = changes(alice, cursor=cursor, wait="9" * 5000)
    assert [line["entry"] for line in heard["results"]] == [folder]


def test_the_browsable_api_shows_its_page_at_once(server, alice):
    with httpx2.Client(base_url=server.url, timeout=30) as person:
        person.get("/login")
        form = {"username": OWNER, "password": PASSWORD}
        token = {"X-CSRFToken": person.cookies["csrftoken"]}
        assert person.post("/login", data=form, headers=token).status_code == 302

        page = person.get("/api/changes?cursor=latest&wait=60", headers={"Accept": "text/html"})

    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")


def test_many_waiters_leave_the_pages_free(server, alice):
    cursor = changes(alice, cursor="latest")["cursor"]
    with ThreadPoolExecutor(40) as pool:
        waiters = [pool.submit(changes, alice, cursor=cursor, wait=60) for _ in range(40)]
        assert httpx2.get(f"{server.url}/login", timeout=20).status_code == 200
        folder = make_folder(alice, "heard by forty")
        for waiter in waiters:
            assert [line["entry"] for line in waiter.result(25)["results"]] == [folder]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"wait": "soon"}, 422, "wait_invalid"),
        ({"wait": "30", "limit": "x"}, 422, "limit_invalid"),
        ({"wait": "30", "cursor": "forged"}, 400, "cursor_invalid"),
        ({"wait": "30", "space": "nowhere"}, 404, "not_found"),
    ],
)
def test_bad_questions_are_not_waited_for(alice, query, status, code):
    response = alice.get("/api/changes", params=query)
    assert response.status_code == status
    assert response.json()["error"]["code"] == code


def test_strangers_do_not_wait(server):
    response = httpx2.get(f"{server.url}/api/changes?wait=60", timeout=20)
    assert response.status_code == 401
