"""What an identity provider may say of somebody, and what is not believed: carol is whom it knows.
Answered by a provider that says what it is told to."""

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import sign_in
from tests.engines.puppet import puppet

pytestmark = pytest.mark.django_db

DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


@pytest.fixture
def provider(settings):
    with puppet() as told:
        app = {
            "provider_id": "oidc",
            "name": "Example ID",
            "client_id": "rapidserve",
            "secret": "between us",
            "settings": {"server_url": told.issuer},
        }
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
        }
        yield told


def come_back(browser, provider):
    there = browser.post("/login/oidc")
    state = provider.is_asked(there["Location"])
    return browser.get("/login/oidc/callback", {"code": "x", "state": state})


def assert_refused(browser, answer):
    assert answer.status_code == 401, answer.content
    assert "Third-Party Login Failure" in answer.content.decode()
    assert browser.get("/api/auth/me").status_code == 401
    assert not User.objects.exists()


def test_a_good_answer_lets_carol_in(client, provider):
    come_back(client, provider)

    assert client.get("/api/auth/me").json()["username"] == "carol"
    assert EmailAddress.objects.get().email == "carol@example.org"


def test_no_more_than_what_is_needed_is_kept(client, provider):
    provider.userinfo = {"birthdate": "2000-02-29", "more": [float("nan")] * 500}

    come_back(client, provider)

    kept = SocialAccount.objects.get().extra_data
    assert set(kept["userinfo"]) == {"sub", "name", "preferred_username", "email", "email_verified"}


def test_somebody_with_a_subject_of_255_letters_is_known_again_by_all_of_them(client, provider):
    for letter in "aba":
        provider.claims = {"sub": "s" * 254 + letter}
        come_back(Client(), provider)

    assert SocialAccount.objects.count() == 2


def test_a_subject_that_looks_like_a_digest_is_not_taken_for_one(client, provider):
    provider.claims = {"sub": "s" * 255}
    come_back(Client(), provider)
    provider.claims = {"sub": SocialAccount.objects.get().uid}

    come_back(client, provider)

    assert SocialAccount.objects.count() == 2


@pytest.mark.parametrize("claim", ["email", "name", "preferred_username"])
def test_what_it_does_not_know_may_be_missing(client, provider, claim):
    for nothing in (..., None, ""):
        provider.userinfo = {claim: nothing}
        browser = Client()

        come_back(browser, provider)

        assert browser.get("/api/auth/me").status_code == 200


@pytest.mark.parametrize(
    "sub", [None, ..., "", 7, True, ["a"], {"a": 1}, "x" * 256, "x" * 10_240, "a\0b", "\ud800"]
)
def test_what_is_no_subject_is_nobody(client, provider, sub):
    provider.claims = {"sub": sub}

    assert_refused(client, come_back(client, provider))


@pytest.mark.parametrize("sub", ["subject of alice", "", None, ..., ["subject of carol"]])
def test_userinfo_of_somebody_else_is_not_taken(client, provider, sub):
    """Core 5.3.2: an access token may be another person's."""
    provider.userinfo = {"sub": sub}

    assert_refused(client, come_back(client, provider))


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": ...},
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": 10**400, "jti": "a"},
        {"exp": "4102444800", "jti": "a"},
        {"exp": 1_000_000_000},
        {"iat": ...},
        {"iat": "now"},
        {"aud": "another"},
        {"aud": ...},
        {"iss": "https://elsewhere.example"},
        {"iss": ...},
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_id_token_that_is_not_good_for_this_is_not_taken(client, provider, wrong):
    provider.claims = wrong

    assert_refused(client, come_back(client, provider))


@pytest.mark.parametrize("id_token", [..., None, "", "x", "a.b.c", 7, ["a"], {"a": 1}])
def test_without_an_id_token_nobody_is_in(client, provider, id_token):
    provider.token = {"id_token": id_token}

    assert_refused(client, come_back(client, provider))


@pytest.mark.parametrize("nonce", [..., None, "", "another", ["a"]])
def test_an_id_token_answers_the_question_that_was_asked(client, provider, nonce):
    provider.claims = {"nonce": nonce}

    assert_refused(client, come_back(client, provider))


def test_an_id_token_that_was_made_for_another_browser_is_not_taken(client, provider):
    state = provider.is_asked(client.post("/login/oidc")["Location"])
    provider.is_asked(Client().post("/login/oidc")["Location"])

    answer = client.get("/login/oidc/callback", {"code": "x", "state": state})

    assert_refused(client, answer)


@pytest.mark.parametrize("claim", ["email", "name", "preferred_username"])
@pytest.mark.parametrize(
    "value", [7, True, ["a"], {"a": 1}, "a\0b", "\ud800", "x" * 10_240], ids=repr
)
def test_what_is_no_name_or_address_is_refused(client, provider, claim, value):
    provider.userinfo = {claim: value}

    assert_refused(client, come_back(client, provider))


@pytest.mark.parametrize(
    "verified", [False, None, ..., "false", "yes", 1, ["true"], {}, "\ud800"], ids=repr
)
def test_an_address_is_proven_when_it_says_so(client, provider, verified):
    provider.userinfo = {"email_verified": verified}

    come_back(client, provider)

    assert User.objects.count() == 1
    assert not EmailAddress.objects.exists()


@pytest.mark.parametrize(
    "userinfo", [[], "carol", 7, [{"sub": "subject of carol"}], b"", b"\xff", b"NaN", DEEP],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_what_is_no_userinfo_is_refused(client, provider, userinfo):
    provider.userinfo = userinfo

    assert_refused(client, come_back(client, provider))


@pytest.mark.parametrize(
    "token",
    [
        [],
        ["access_token"],
        "access_token",
        b"",
        b"\xff",
        DEEP,
        {"access_token": ...},
        {"access_token": 7},
        {"access_token": ["a"]},
        {"access_token": "a\r\nb"},
        {"access_token": "\ud800"},
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_token_is_refused(client, provider, token):
    provider.token = token

    assert_refused(client, come_back(client, provider))


@pytest.mark.parametrize("seconds", [["a"], "soon", -1, 10**30, 1e400, {}], ids=repr)
def test_how_long_a_token_would_last_is_nobodys_question(client, provider, seconds):
    provider.token = {"expires_in": seconds}

    come_back(client, provider)

    assert client.get("/api/auth/me").status_code == 200


def test_what_anybody_could_have_changed_on_the_way_is_not_believed(client, provider):
    provider.endpoints = {"userinfo_endpoint": "http://id.example.org/me"}

    assert_refused(client, come_back(client, provider))


def test_no_code_is_sent_where_anybody_on_the_way_could_read_it(client, provider):
    provider.endpoints = {"token_endpoint": "http://id.example.org/token"}

    assert client.post("/login/oidc").status_code == 503


@pytest.mark.parametrize(
    "configuration",
    [[], "x", 7, {}, {"token_endpoint": 7}, {"token_endpoint": "http://["}],
    ids=repr,
)
def test_a_provider_that_says_nothing_of_itself_is_an_error_in_words(
    client, provider, configuration, monkeypatch
):
    monkeypatch.setattr(provider, "_configuration", lambda: configuration)

    answer = client.post("/login/oidc")

    assert answer.status_code == 503
    assert "The identity provider does not answer" in answer.content.decode()


class TestAName:
    @pytest.mark.parametrize("name", ["bob@example.org", "BOB@EXAMPLE.ORG", "bob\uff20example.org"])
    def test_is_never_an_address_by_which_somebody_signs_in(self, client, provider, bob, name):
        EmailAddress.objects.create(user=bob, email="bob@example.org", verified=True, primary=True)
        provider.userinfo = {"preferred_username": name}

        come_back(client, provider)

        assert client.get("/api/auth/me").json()["username"].lower() == "bob-2"
        assert sign_in(Client(), username="bob@example.org").status_code == 302

    def test_is_what_comes_before_the_at(self, client, provider):
        provider.userinfo = {"preferred_username": "carol@example.org"}

        come_back(client, provider)

        assert client.get("/api/auth/me").json()["username"] == "carol"

    @pytest.mark.parametrize("name", ["@", "@example.org", "!", " "])
    def test_that_is_none_is_replaced(self, client, provider, name):
        provider.userinfo = {"preferred_username": name}

        come_back(client, provider)

        assert client.get("/api/auth/me").json()["username"] == "person"
