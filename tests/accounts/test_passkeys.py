"""By which pages a passkey may have been asked. What a browser does with one: tests/e2e."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from tests.accounts.conftest import confirm, sign_in
from tests.engines.passkey import Passkey

pytestmark = pytest.mark.django_db

OURS = "https://files.example.org:8443"
ELSEWHERE = [
    "https://files.example.org",
    "https://files.example.org:9443",
    "https://sub.files.example.org:8443",
    "http://files.example.org:8443",
    "https://files.example.org:8443/",
    "https://evil.example",
    "http://localhost:8443",
    "null",
    "",
    7,
    None,
    [OURS],
]


@pytest.fixture(autouse=True)
def public_address(settings):
    settings.ALLOWED_HOSTS = ["files.example.org", "files.example.com", "localhost"]
    settings.PAGE_ORIGINS = [OURS, "https://files.example.com:8443"]


def browser_at(host="files.example.org"):
    return Client(headers={"Host": host})


def challenge_of(browser):
    return browser.session["mfa.webauthn.state"]["challenge"]


def add(browser, passkey, origin):
    sign_in(browser)
    confirm(browser)
    browser.get("/settings/passkeys/add")
    credential = passkey.registered(challenge_of(browser), origin)
    typed = {"name": "laptop", "passwordless": "on", "credential": credential}
    return browser.post("/settings/passkeys/add", typed)


def sign_in_by(browser, passkey, origin, user):
    browser.get("/login/passkey", headers={"Accept": "application/json"})
    credential = passkey.answered(challenge_of(browser), origin, handle=user.pk.hex)
    return browser.post("/login/passkey", {"credential": credential})


def is_in(browser):
    return browser.get("/api/auth/me").status_code == 200


@pytest.fixture(params=[True, False], ids=["with TLS", "without"])
def passkey(request, settings, alice):
    """One of alice's, added at the public address."""
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not request.param
    key = Passkey("files.example.org")
    add(browser_at(), key, OURS)
    assert Authenticator.objects.filter(user=alice, type=Authenticator.Type.WEBAUTHN).exists()
    return key


def test_it_is_asked_by_the_page_at_the_public_address(passkey, alice):
    browser = browser_at()

    sign_in_by(browser, passkey, OURS, alice)

    assert is_in(browser)


@pytest.mark.parametrize("origin", ELSEWHERE, ids=repr)
def test_by_another_page_it_signs_nobody_in(passkey, alice, origin):
    browser = browser_at()

    sign_in_by(browser, passkey, origin, alice)

    assert not is_in(browser)


@pytest.mark.parametrize("host", ["files.example.org:9443", "files.example.org:80"])
def test_whoever_passes_an_answer_on_has_no_say_in_which_page_is_ours(passkey, alice, host):
    browser = browser_at(host)

    sign_in_by(browser, passkey, f"https://{host}", alice)

    assert not is_in(browser)


@pytest.mark.parametrize("origin", [OURS, *ELSEWHERE[:3]])
def test_a_second_step_is_asked_by_our_page_as_well(passkey, alice, origin):
    browser = browser_at()
    sign_in(browser)
    browser.get("/login/second-step")
    credential = passkey.answered(challenge_of(browser), origin, handle=alice.pk.hex)

    browser.post("/login/second-step", {"credential": credential})

    assert is_in(browser) is (origin == OURS)


@pytest.mark.parametrize("has_tls", [True, False])
@pytest.mark.parametrize("origin", ELSEWHERE, ids=repr)
def test_by_another_page_none_is_added(alice, settings, origin, has_tls):
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not has_tls

    answer = add(browser_at(), Passkey("files.example.org"), origin)

    assert answer.status_code == 200
    assert not Authenticator.objects.exists()


def test_another_name_that_we_go_by_has_passkeys_of_its_own(alice):
    passkey = Passkey("files.example.com")
    add(browser_at("files.example.com"), passkey, "https://files.example.com:8443")
    browser = browser_at("files.example.com")

    sign_in_by(browser, passkey, "https://files.example.com:8443", alice)

    assert is_in(browser)
