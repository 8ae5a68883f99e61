"""Light or dark: remembered by the browser, and right from the first paint."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("theme", "expected"), [("dark", 'data-theme="dark"'), ("light", 'data-theme="light"')]
)
def test_what_is_chosen_is_in_the_page_itself(client, alice, theme, expected):
    client.force_login(alice)

    answer = client.post("/theme", {"theme": theme, "next": "/trash"})

    assert (answer.status_code, answer["Location"]) == (302, "/trash")
    assert expected in client.get("/trash").content.decode()


def test_the_system_decides_until_somebody_does_and_when_it_is_to(client, alice):
    assert "data-theme" not in client.get("/login").content.decode()

    client.post("/theme", {"theme": "dark"})
    client.post("/theme", {"theme": "system"})

    assert "data-theme" not in client.get("/login").content.decode()


def test_error_pages_keep_it(client):
    client.post("/theme", {"theme": "dark"})

    assert 'data-theme="dark"' in client.get("/nothing-here").content.decode()


def test_a_theme_that_is_none_is_refused(client):
    assert client.post("/theme", {"theme": '"><script>'}).status_code == 422


def test_a_cookie_somebody_made_up_is_not_believed(client):
    client.cookies["theme"] = '"><script>'

    page = client.get("/login").content.decode()

    assert "data-theme" not in page
    assert "<script>" not in page


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example"])
def test_nobody_is_sent_to_another_site(client, elsewhere):
    answer = client.post("/theme", {"theme": "dark", "next": elsewhere})

    assert answer["Location"] == "/"


def test_a_link_changes_nothing(client):
    assert client.get("/theme?theme=dark").status_code == 405
