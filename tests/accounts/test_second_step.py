"""The second step of signing in: an app's codes and recovery codes. Passkeys: tests/e2e."""

import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.test import Client

from accounts.actions import create_user, deactivate_user, reactivate_user, set_password
from accounts.models import ApiToken
from files.models import AuditLine
from tests.accounts.conftest import PASSWORD, confirm, sign_in

pytestmark = pytest.mark.django_db

STEP = "/login/second-step"


def code_of(secret, steps=1):
    """What the app shows. The code of the next half minute is taken, too: clocks differ."""
    now = list(auth.yield_hotp_counters_from_time())[1]
    return auth.format_hotp_value(auth.hotp_value(secret, now + steps))


@pytest.fixture
def secret(alice):
    """alice has set up an app; this is what it knows."""
    browser = Client()
    sign_in(browser)
    confirm(browser)
    browser.get("/settings/second-step/app")
    made = browser.session["mfa.totp.secret"]
    answer = browser.post("/settings/second-step/app", {"code": code_of(made, 0)})
    assert answer["Location"] == "/settings/second-step/codes"
    return made


@pytest.fixture
def recovery_codes(secret, alice):
    kept = Authenticator.objects.get(user=alice, type=Authenticator.Type.RECOVERY_CODES)
    return kept.wrap().generate_codes()


def is_in(browser):
    return browser.get("/api/auth/me").status_code == 200


def ask_for_token(**more):
    body = {"username": "alice", "password": PASSWORD, "name": "laptop", **more}
    return Client().post("/api/auth/token", body, content_type="application/json")


class TestInABrowser:
    def test_the_password_alone_opens_nothing(self, client, secret):
        answer = sign_in(client)

        assert answer["Location"] == STEP
        assert not is_in(client)
        assert client.get("/").status_code == 302

    def test_a_code_of_the_app_opens_it(self, client, secret):
        client.post("/login", {"username": "alice", "password": PASSWORD, "next": "/shared"})

        answer = client.post(STEP, {"code": code_of(secret)})

        assert answer["Location"] == "/shared"
        assert is_in(client)

    def test_a_code_is_good_for_one_time(self, client, secret):
        code, other = code_of(secret), Client()
        sign_in(client)
        client.post(STEP, {"code": code})
        sign_in(other)

        other.post(STEP, {"code": f" {code[:3]} {code[3:]}"})

        assert not is_in(other)

    def test_a_recovery_code_opens_it_once(self, client, recovery_codes):
        sign_in(client)
        client.post(STEP, {"code": recovery_codes[0]})
        assert is_in(client)
        other = Client()
        sign_in(other)

        other.post(STEP, {"code": recovery_codes[0]})

        assert not is_in(other)

    @pytest.mark.parametrize("code", ["000000", "", "\0", "x" * 5000, "١٢٣٤٥٦"])
    def test_a_wrong_code_says_so(self, client, secret, code):
        sign_in(client)

        answer = client.post(STEP, {"code": code})

        assert answer.status_code == 200
        assert 'class="problem"' in answer.content.decode()
        assert not is_in(client)

    def test_a_wrong_code_is_told_in_the_audit_log(self, client, secret, alice):
        sign_in(client)

        client.post(STEP, {"code": "000000"})

        line = AuditLine.objects.get(action="second_step_failed")
        assert (line.actor, line.name) == (None, "alice")

    @pytest.mark.parametrize(
        "credential",
        [
            *("", "x", "{}", "[]", '{"id": 1}', "null", "\0"),
            *("[" * 5000, '{"a":' * 2000, "9" * 5000, "[" * 100_000),
        ],
    )
    def test_a_made_up_passkey_opens_nothing(self, client, secret, credential):
        sign_in(client)

        for address in (STEP, "/login/passkey"):
            answer = client.post(address, {"credential": credential})

            assert answer.status_code in {200, 302}
            assert not is_in(client)

    def test_guessing_ends_also_for_the_right_one(self, client, secret):
        sign_in(client)
        for number in range(10):
            client.post(STEP, {"code": f"{number:06}"})

        answer = client.post(STEP, {"code": code_of(secret)})

        assert "Too many failed attempts" in answer.content.decode()
        assert not is_in(client)

    def test_the_code_that_set_up_the_app_is_spent(self, client):
        create_user(username="alice", password=PASSWORD)
        sign_in(client)
        confirm(client)
        client.get("/settings/second-step/app")
        code = code_of(client.session["mfa.totp.secret"], 0)
        client.post("/settings/second-step/app", {"code": code})

        assert ask_for_token(code=code).json()["error"]["code"] == "code_invalid"

    def test_a_password_changed_meanwhile_begins_anew(self, client, secret, alice):
        sign_in(client)
        set_password(user=alice, password="another long enough one")

        answer = client.post(STEP, {"code": code_of(secret)})

        assert answer["Location"] == "/login"
        assert not is_in(client)

    def test_who_is_deactivated_meanwhile_is_not_in_when_let_in_again(self, client, secret, alice):
        sign_in(client)
        deactivate_user(user=alice)
        client.post(STEP, {"code": code_of(secret)})
        reactivate_user(user=alice)

        assert not is_in(client)
        assert not AuditLine.objects.filter(action="signed_in", name="alice").count() > 1

    @pytest.mark.parametrize(
        "page",
        [STEP, "/settings/second-step", "/settings/second-step/app", "/settings/passkeys/add"],
    )
    def test_its_pages_are_kept_by_no_browser(self, client, alice, page):
        sign_in(client)
        confirm(client)

        assert "no-store" in client.get(page)["Cache-Control"]

    def test_without_the_password_there_is_no_second_step(self, client, secret):
        assert client.post(STEP, {"code": code_of(secret)})["Location"] == "/login"
        assert not is_in(client)

    def test_a_new_password_does_not_do_away_with_it(self, client, secret, alice):
        alice.set_password("another long enough one")
        alice.save(update_fields=["password"])

        assert sign_in(client, password="another long enough one")["Location"] == STEP


class TestChangingIt:
    def test_offers_no_password_by_mail_where_there_is_none(self, client, alice, settings):
        sign_in(client)

        def page():
            return client.get("/settings/confirm").content.decode()

        assert "/password/reset" not in page()
        settings.SMTP_URL = "smtp://127.0.0.1"
        assert "/password/reset" in page()

    @pytest.mark.parametrize(
        "path", ["second-step/app", "second-step/app/remove", "second-step/codes",
                 "second-step/codes/new", "second-step/codes/download", "passkeys/add"]
    )  # fmt: skip
    def test_takes_the_password_again(self, client, secret, path):
        sign_in(client)
        client.post(STEP, {"code": code_of(secret)})

        for answer in (client.get(f"/settings/{path}"), client.post(f"/settings/{path}")):
            assert answer.status_code == 405 or "/settings/confirm" in answer["Location"]

    def test_the_app_is_given_up_and_the_password_is_enough_again(self, client, secret):
        sign_in(client)
        client.post(STEP, {"code": code_of(secret)})
        confirm(client)

        client.post("/settings/second-step/app/remove")

        assert sign_in(Client())["Location"] == "/"

    def test_nobody_changes_somebody_elses(self, client, secret, alice, bob):
        of_alice = Authenticator.objects.filter(user=alice).first()
        sign_in(client, username="bob")
        confirm(client)

        for act in ("remove", "edit"):
            address = f"/settings/passkeys/{of_alice.pk}/{act}"
            assert client.post(address, {"name": "mine"}).status_code == 404

    @pytest.mark.parametrize(
        "key", ["0", "99999999999999999999999", "abcdefabcdefabcdefabcdef", "z"]
    )
    def test_what_is_no_key_is_not_found(self, client, alice, key):
        sign_in(client)
        confirm(client)

        assert client.get(f"/settings/passkeys/{key}/edit").status_code == 404

    def test_what_makes_codes_is_not_readable_in_the_database(self, secret, alice):
        stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))

        assert secret not in stored

    def test_a_lost_master_key_is_an_error_in_words(self, client, secret, settings):
        settings.MASTER_KEYS = ()
        sign_in(client)

        answer = client.post(STEP, {"code": code_of(secret)})

        assert answer.status_code == 503
        assert not is_in(client)


class TestForPrograms:
    def test_the_password_alone_makes_no_token(self, secret):
        answer = ask_for_token()

        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "code_needed"
        assert not ApiToken.objects.exists()

    def test_a_code_makes_one(self, secret):
        assert ask_for_token(code=code_of(secret)).status_code == 201

    def test_a_recovery_code_makes_one(self, recovery_codes):
        assert ask_for_token(code=recovery_codes[3]).status_code == 201

    @pytest.mark.parametrize("code", ["000000", "", "x", "\ud800"])
    def test_a_wrong_code_makes_none(self, secret, code):
        answer = ask_for_token(code=code)

        assert answer.status_code in {401, 422}
        assert answer.json()["error"]["code"] == "code_invalid"
        assert not ApiToken.objects.exists()

    def test_guesses_are_counted_with_those_of_the_pages(self, client, secret):
        sign_in(client)
        for number in range(5):
            client.post(STEP, {"code": f"{number:06}"})
            ask_for_token(code=f"{number + 5:06}")

        answer = ask_for_token(code=code_of(secret))

        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 0

    def test_whoever_has_none_needs_no_code(self, alice):
        assert ask_for_token().status_code == 201
        assert ask_for_token(code="123456").status_code == 201
