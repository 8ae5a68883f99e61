"""What only a browser shows of signing in: passkeys, and to an identity provider and back."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.cast import PASSWORD
from tests.e2e.conftest import Server, launch
from tests.e2e.visitor import Visitor, visit
from tests.engines import identity
from tests.engines.ports import free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that knows an identity provider. Passkeys are for names, not for numbers: localhost."""
    identity.require()
    port = free_port()
    address = f"http://localhost:{port}"
    with identity.provider(f"{address}/login/oidc/callback") as issuer:
        running = launch(
            tmp_path_factory.mktemp("signing-in") / "home",
            RAPIDSERVE_PORT=str(port),
            RAPIDSERVE_PUBLIC_URL=address,
            RAPIDSERVE_OIDC_ISSUER=issuer,
            RAPIDSERVE_OIDC_NAME="Example ID",
            RAPIDSERVE_OIDC_CLIENT_ID=identity.CLIENT,
            RAPIDSERVE_OIDC_CLIENT_SECRET=identity.SECRET,
        )
        try:
            running.wait_until_ready()
            yield running
            assert running.stop() == 0
        finally:
            running.kill()


@pytest.fixture
def alice(browser: Browser, server: Server) -> Visitor:
    return visit(browser, f"http://localhost:{server.port}")


def plug_in_a_passkey(page: Page) -> None:
    """What a laptop with a fingerprint reader has."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def sign_out(alice: Visitor) -> None:
    alice.context.clear_cookies()
    alice.page.goto(f"{alice.url}/login")


def test_a_passkey_signs_in_without_a_password_and_after_one(alice):
    page = alice.page
    plug_in_a_passkey(page)
    page.goto(f"{alice.url}/settings/passkeys/add")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("my laptop")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery Codes")).to_be_visible()
    page.goto(f"{alice.url}/settings/passkeys")
    expect(page.get_by_text("signs in without a password")).to_be_visible()

    sign_out(alice)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile("/files/"))

    sign_out(alice)
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Use a security key").click()
    page.wait_for_url(re.compile("/files/"))
    assert alice.complaints == []


def test_somebody_from_the_identity_provider_is_let_through_by_the_browser(browser, server):
    carol = Visitor(context := browser.new_context(), context.new_page(), server.url)
    carol.listen()
    page = carol.page
    page.goto(f"http://localhost:{server.port}/login")

    page.get_by_role("button", name="Continue with Example ID").click()
    page.locator("[name=login]").fill("carol")
    page.locator("[name=password]").fill("any")
    page.locator("[type=submit]").first.click()
    page.locator("[type=submit]").first.click()

    page.wait_for_url(re.compile("/files/"))
    assert carol.complaints == []
