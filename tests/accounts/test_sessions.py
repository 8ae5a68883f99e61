"""Where one is signed in, and signing out from afar; the settings page."""

import datetime as dt
import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.models import ApiToken, SignIn
from accounts.sessions import USE_NOTED_EVERY
from rapidserve.db import current_time
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "battery staple correct horse"


@pytest.fixture
def browsers(alice):
    """Two that alice is signed in with."""
    found = [Client(headers={"User-Agent": name}) for name in ("Firefox", "Safari")]
    for browser in found:
        browser.post("/login", {"username": "alice", "password": PASSWORD})
    return found


def is_signed_in(browser):
    return browser.get("/api/auth/me").status_code == 200


def sessions(browser):
    return browser.get("/api/auth/sessions").json()["results"]


def test_every_browser_is_listed_with_the_one_that_asks(browsers):
    listed = [(row["agent"], row["current"]) for row in sessions(browsers[0])]

    assert listed == [("Safari", False), ("Firefox", True)]


def test_one_is_ended_from_another(browsers):
    firefox, safari = browsers
    [other] = [row["id"] for row in sessions(firefox) if not row["current"]]
    token = firefox.cookies["csrftoken"].value if "csrftoken" in firefox.cookies else ""

    ended = firefox.delete(f"/api/auth/sessions/{other}", headers={"X-CSRFToken": token})

    assert ended.status_code == 204
    assert not is_signed_in(safari)
    assert is_signed_in(firefox)
    assert [row["agent"] for row in sessions(firefox)] == ["Firefox"]
    assert firefox.delete(f"/api/auth/sessions/{other}").status_code == 404


def test_ones_own_is_ended_as_by_signing_out(browsers):
    firefox, _ = browsers
    session = firefox.session
    session["used_at"] = 0  # its use would be noted now
    session.save()
    [own] = [row["id"] for row in sessions(firefox) if row["current"]]
    session = firefox.session
    session["used_at"] = 0
    session.save()

    assert firefox.delete(f"/api/auth/sessions/{own}").status_code == 204

    assert not is_signed_in(firefox)


def test_somebody_elses_is_not_there(browsers):
    bob = Client()
    bob.force_login(actions.create_user(username="bob", password=PASSWORD))

    answer = bob.delete(f"/api/auth/sessions/{sessions(browsers[0])[0]['id']}")

    assert answer.status_code == 404
    assert all(map(is_signed_in, browsers))


def test_signing_out_ends_its_own(browsers):
    browsers[0].post("/logout")

    assert [row.agent for row in SignIn.objects.all()] == ["Safari"]


def test_use_is_noted_to_the_minute(browsers):
    long_ago = current_time() - dt.timedelta(hours=1)
    SignIn.objects.update(last_used_at=long_ago)
    session = browsers[0].session
    session["used_at"] = 0
    session.save()

    browsers[0].get("/settings")

    noted = SignIn.objects.get(agent="Firefox").last_used_at
    assert timezone.now() - noted < USE_NOTED_EVERY
    assert SignIn.objects.get(agent="Safari").last_used_at == long_ago


def test_what_has_expired_by_itself_is_forgotten(browsers, settings):
    idle = dt.timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)
    SignIn.objects.filter(agent="Safari").update(last_used_at=timezone.now() - idle)

    actions.forget_sessions()

    assert [row.agent for row in SignIn.objects.all()] == ["Firefox"]


def test_what_only_began_to_sign_in_is_forgotten_as_well(client, db):
    client.get("/login/passkey", headers={"Accept": "application/json"})
    assert Session.objects.count() == 1
    Session.objects.update(expire_date=timezone.now() - dt.timedelta(seconds=1))

    actions.forget_sessions()

    assert not Session.objects.exists()


class TestTheSettingsPage:
    def test_ends_a_session(self, browsers):
        firefox, safari = browsers
        page = firefox.get("/settings").content.decode()
        [row] = re.findall(r'name="end" value="([^"]+)"', page)

        assert firefox.post("/settings", {"end": row}).status_code == 302

        assert not is_signed_in(safari)

    def test_changes_the_password_and_signs_out_elsewhere(self, browsers, alice):
        firefox, safari = browsers
        form = {"change": "1", "current": PASSWORD, "password": NEW}

        page = firefox.post("/settings", form, follow=True).content.decode()

        assert "Your password was changed" in page
        assert is_signed_in(firefox)
        assert not is_signed_in(safari)
        alice.refresh_from_db()
        assert alice.check_password(NEW)

    @pytest.mark.parametrize(
        ("current", "new", "says"),
        [
            ("wrong", NEW, "The name or the password is wrong."),
            ("", NEW, "The name or the password is wrong."),
            (PASSWORD, "short", "too short"),
            (PASSWORD, "password1234", "too common"),
        ],
    )
    def test_refuses_a_password_and_says_why(self, browsers, alice, current, new, says):
        form = {"change": "1", "current": current, "password": new}

        answer = browsers[0].post("/settings", form)

        assert answer.status_code in {401, 422}
        assert says in answer.content.decode()
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)

    def test_guessing_the_password_there_is_slowed_down(self, browsers):
        form = {"change": "1", "current": "wrong", "password": NEW}

        codes = [browsers[0].post("/settings", form).status_code for _ in range(6)]

        assert codes == [401] * 5 + [429]

    def test_makes_a_token_and_shows_it_once(self, browsers):
        form = {"make": "1", "name": "backup", "days": "30"}

        page = browsers[0].post("/settings", form).content.decode()

        [text] = re.findall(r"rs_[A-Za-z0-9_-]{43}", page)
        answer = Client().get("/api/auth/me", headers={"Authorization": f"Bearer {text}"})
        assert answer.json()["username"] == "alice"
        assert text not in browsers[0].get("/settings").content.decode()
        left = ApiToken.objects.get().expires_at - timezone.now()
        assert dt.timedelta(days=29) < left <= dt.timedelta(days=30)

    @pytest.mark.parametrize("form", [{"name": ""}, {"name": "x" * 101}, {"days": "9000"}])
    def test_refuses_a_token_and_says_why(self, browsers, form):
        answer = browsers[0].post("/settings", {"make": "1", "name": "x", "days": "30"} | form)

        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
        assert not ApiToken.objects.exists()

    def test_revokes_a_token(self, browsers, alice):
        made = actions.make_token(user=alice, name="old")

        browsers[0].post("/settings", {"revoke": str(made.row.id)})

        assert not ApiToken.objects.exists()

    def test_touches_nothing_of_somebody_else(self, browsers):
        bob = actions.create_user(username="bob", password=PASSWORD)
        token = actions.make_token(user=bob, name="his").row

        assert browsers[0].post("/settings", {"revoke": str(token.id)}).status_code == 404
        assert browsers[0].post("/settings", {"end": "x"}).status_code == 404
        assert ApiToken.objects.filter(id=token.id).exists()

    def test_is_for_who_is_signed_in(self, client):
        assert client.get("/settings")["Location"] == "/login?next=/settings"
        assert client.post("/settings", {"make": "1"}).status_code == 302


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0.0.0 Safari/537.36 Edg/150.0",
            "Edge on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("curl/8.0", "curl/8.0"),
        ("", "A browser"),
    ],
)
def test_browsers_are_named_as_people_do(agent, browser):
    assert SignIn(agent=agent).browser == browser
