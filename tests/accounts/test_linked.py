"""Signing in by what the organisation's identity provider knows (OpenID Connect), a real one."""

from urllib.parse import parse_qs, quote, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from accounts.actions import deactivate_user
from accounts.models import SignIn, User
from accounts.organisation import OrganisationRole
from accounts.policy import role_of
from files.models import AuditLine, Space
from tests.accounts.conftest import PASSWORD
from tests.engines import identity

pytestmark = pytest.mark.django_db

CALLBACK = "http://testserver/login/oidc/callback"


@pytest.fixture(scope="module")
def issuer():
    identity.require()
    with identity.provider(CALLBACK) as address:
        yield address


@pytest.fixture(autouse=True)
def configured(issuer, settings):
    settings.OIDC_ISSUER, settings.OIDC_NAME = issuer, "Example ID"
    settings.PAGE_ORIGINS = ["http://testserver"]
    app = {
        "provider_id": "oidc",
        "name": "Example ID",
        "client_id": identity.CLIENT,
        "secret": identity.SECRET,
        "settings": {"server_url": issuer},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }


def come_back(browser: Client, name: str, **typed: str):
    """From our page to the provider, signing in there as `name`, and back."""
    there = browser.post("/login/oidc", typed)
    assert there.status_code == 302, there.content
    back = identity.sign_in_there(there["Location"], name)
    parts = urlsplit(back)
    return browser.get(f"{parts.path}?{parts.query}")


def me(browser: Client):
    return browser.get("/api/auth/me").json()


def test_the_page_offers_it(client):
    page = client.get("/login").content.decode()

    assert "Continue with Example ID" in page
    assert 'action="/login/oidc"' in page


def test_a_new_person_is_in_with_a_space_of_their_own(client):
    answer = come_back(client, "carol", next="/shared")

    carol = User.objects.get(username="carol")
    assert answer["Location"] == "/shared"
    assert me(client)["display_name"] == "carol by the provider"
    assert Space.objects.filter(owner=carol, kind=Space.Kind.PERSONAL, live=True).count() == 1
    assert not carol.has_usable_password()
    assert not carol.is_staff
    assert role_of(carol.id) == OrganisationRole.MEMBER
    assert EmailAddress.objects.get(user=carol).email == "carol@example.org"
    assert SignIn.objects.filter(user=carol).count() == 1
    assert {"user_created", "signed_in"} <= set(AuditLine.objects.values_list("action", flat=True))


def test_the_next_time_they_are_the_same_person(client):
    come_back(client, "carol")

    come_back(Client(), "carol")

    assert User.objects.filter(username__startswith="carol").count() == 1


def test_a_name_or_an_address_taken_here_gives_nobody_elses_account(client, alice):
    EmailAddress.objects.create(user=alice, email="alice@example.org", verified=True, primary=True)

    come_back(client, "alice")

    assert me(client)["username"] == "alice-2"
    assert me(client)["id"] != str(alice.id)
    assert EmailAddress.objects.get(email="alice@example.org").user_id == alice.id


def test_an_address_not_proven_there_is_not_taken_over(client):
    come_back(client, "carol-unproven")

    assert not EmailAddress.objects.exists()


def test_a_deactivated_person_stays_outside(client):
    come_back(client, "carol")
    deactivate_user(user=User.objects.get(username="carol"))
    again = Client()

    answer = come_back(again, "carol")

    assert answer["Location"] == "/login/inactive"
    assert again.get("/login/inactive").status_code == 200
    assert again.get("/api/auth/me").status_code == 401


def test_new_people_can_be_refused(client, settings):
    settings.OIDC_NEW_PEOPLE = "refuse"

    answer = come_back(client, "carol")

    assert "There is no account for you here" in answer.content.decode()
    assert not User.objects.filter(username="carol").exists()


def test_who_has_an_account_links_it_and_unlinks_it(client, alice, settings):
    settings.OIDC_NEW_PEOPLE = "refuse"
    client.post("/login", {"username": "alice", "password": PASSWORD})
    client.post("/settings/confirm?next=/settings/linked", {"password": PASSWORD})
    answer = come_back(client, "alice.arden", process="connect")
    assert answer["Location"] == "/settings/linked"
    by_provider = Client()

    come_back(by_provider, "alice.arden")

    assert me(by_provider)["id"] == str(alice.id)
    link = SocialAccount.objects.get(user=alice)
    client.post("/settings/linked", {"account": str(link.pk)})
    assert not SocialAccount.objects.exists()


def test_who_has_no_password_can_add_a_second_step(client):
    come_back(client, "carol")

    assert client.get("/settings/second-step/app").status_code == 200


def test_the_only_way_in_is_not_unlinked(client):
    come_back(client, "carol")
    link = SocialAccount.objects.get()

    answer = client.post("/settings/linked", {"account": str(link.pk)})

    assert "It is the only way in" in answer.content.decode()
    assert SocialAccount.objects.exists()


def test_what_is_linked_already_is_not_linked_to_another(client, alice, bob):
    come_back(client, "carol")
    other = Client()
    other.post("/login", {"username": "bob", "password": PASSWORD})
    other.post("/settings/confirm?next=/settings/linked", {"password": PASSWORD})

    come_back(other, "carol", process="connect")

    assert SocialAccount.objects.get().user.username == "carol"


def test_who_refuses_there_is_told_and_not_in(client):
    there = client.post("/login/oidc")["Location"]
    parts = urlsplit(identity.sign_in_there(there, "carol", refuse=True))

    answer = client.get(f"{parts.path}?{parts.query}", follow=True)

    assert answer.status_code == 200
    assert client.get("/api/auth/me").status_code == 401


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?code=x&state=y", "?error=a&state=%00", "?state="]
)
def test_a_made_up_answer_lets_nobody_in(client, query):
    answer = client.get(f"/login/oidc/callback{query}")

    assert answer.status_code in {200, 401, 403}
    assert "Traceback" not in answer.content.decode()
    assert client.get("/api/auth/me").status_code == 401


def test_somebody_elses_answer_is_not_taken(client):
    """The address that a victim is sent to was made for the attacker's browser."""
    there = client.post("/login/oidc")["Location"]
    parts = urlsplit(identity.sign_in_there(there, "mallory"))
    victim = Client()

    victim.get(f"{parts.path}?{parts.query}")

    assert victim.get("/api/auth/me").status_code == 401


def asked_of_the_provider(answer):
    return {
        name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()
    }


@pytest.mark.parametrize(
    "more", ["redirect_uri=http://evil.example/", "response_type=token", "prompt=none", "nonce=x",
             "state=x", "client_id=x", "code_challenge=x"]
)  # fmt: skip
def test_whoever_makes_a_link_has_no_say_in_what_is_asked_there(client, more):
    asked = asked_of_the_provider(client.post(f"/login/oidc?auth_params={quote(more)}&scope=admin"))

    name, _, value = more.partition("=")
    assert asked.get(name) != value
    assert asked["redirect_uri"] == CALLBACK
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}


@pytest.mark.parametrize("host", ["localhost:666", "127.0.0.1", "testserver:81", "[::1]:666"])
def test_codes_are_sent_to_the_public_address_whatever_host_was_asked(client, host):
    answer = client.post("/login/oidc", headers={"Host": host})

    assert asked_of_the_provider(answer)["redirect_uri"] == CALLBACK


def test_codes_are_sent_to_the_name_that_one_came_to_when_it_is_one_of_ours(client, settings):
    settings.ALLOWED_HOSTS = ["files.example.org", "files.example.com"]
    settings.PAGE_ORIGINS = ["https://files.example.org", "https://files.example.com"]

    answer = client.post("/login/oidc", headers={"Host": "files.example.com:666"})

    back = asked_of_the_provider(answer)["redirect_uri"]
    assert back == "https://files.example.com/login/oidc/callback"


def test_whoever_comes_from_there_is_sent_on_within_this_host_only(client, settings):
    settings.ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1", ".wild.example.org"]
    for elsewhere in ("//localhost/x", "https://127.0.0.1/x", "https://a.wild.example.org/x"):
        assert come_back(Client(), "carol", next=elsewhere)["Location"] == "/"


def test_a_provider_that_is_away_is_an_error_in_words(client, settings):
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"] = {
        "server_url": "http://127.0.0.1:9"
    }

    answer = client.post("/login/oidc")

    assert answer.status_code == 503
    assert "The identity provider does not answer" in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize("name", ["nobody", "oidc2", "%00"])
def test_another_provider_is_not_found(client, name):
    assert client.post(f"/login/{name}").status_code == 404
