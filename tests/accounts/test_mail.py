"""Addresses of mail, signing in with them, new passwords by mail; through a real mail server."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from accounts.actions import deactivate_user
from accounts.throttle import WINDOW
from rapidserve import jobs
from tests.accounts.conftest import PASSWORD, confirm, sign_in

pytestmark = pytest.mark.django_db

ADDRESS = "alice@example.org"
NEW = "another long enough one"


def has_address(user, address=ADDRESS):
    return EmailAddress.objects.create(user=user, email=address, verified=True, primary=True)


def ask_for_a_new_password(client, address=ADDRESS):
    return client.post("/password/reset", {"email": address})


def guess_by_program(username):
    body = {"username": username, "password": "wrong", "name": "laptop"}
    return Client().post("/api/auth/token", body, content_type="application/json")


def link_in(mail):
    found = re.search(r"http://127.0.0.1:\d+(/password/reset/\S+)", mail)
    assert found, mail
    return found[1]


def code_in(mail):
    found = re.search(r"^([A-Z0-9]{4}-[A-Z0-9]{4})$", mail, re.MULTILINE)
    assert found, mail
    return found[1]


def set_new_password(client, link, password=NEW):
    form = client.get(link)["Location"]
    return client.post(form, {"password1": password, "password2": password})


class TestAnAddress:
    def test_is_kept_once_its_code_came_back(self, client, alice, box):
        sign_in(client)
        confirm(client)
        client.post("/settings/mail", {"action_add": "1", "email": "Alice@Example.org"})
        assert not EmailAddress.objects.exists()
        [mail] = box.to(ADDRESS)
        code = code_in(mail)

        client.post("/settings/mail/confirm", {"code": code})

        kept = EmailAddress.objects.get()
        assert (kept.email, kept.user_id, kept.verified, kept.primary) == (
            ADDRESS, alice.id, True, True,
        )  # fmt: skip

    def test_is_asked_about_in_the_name_of_the_public_address(self, client, alice, box, settings):
        settings.PUBLIC_URL = "https://files.example.org"
        sign_in(client)
        confirm(client)

        client.post(
            "/settings/mail",
            {"action_add": "1", "email": ADDRESS},
            headers={"Host": "localhost:666"},
        )

        assert "on files.example.org." in box.to(ADDRESS)[0]

    def test_is_not_kept_by_guessing(self, client, alice, box):
        sign_in(client)
        confirm(client)
        client.post("/settings/mail", {"action_add": "1", "email": ADDRESS})

        for guess in ("AAAA-AAAA", "", "\0", "x" * 500, "BBBB-BBBB"):
            answer = client.post("/settings/mail/confirm", {"code": guess})
            assert answer.status_code in {200, 302}

        assert not EmailAddress.objects.exists()

    def test_is_asked_for_the_password_first(self, client, alice, box):
        sign_in(client)

        answer = client.post("/settings/mail", {"action_add": "1", "email": ADDRESS})

        assert answer["Location"].startswith("/settings/confirm")
        assert box.to(ADDRESS) == []

    @pytest.mark.parametrize("address", ["", "x", "a@b", "a@b@c.org", "a\0@example.org", "x" * 400])
    def test_that_is_none_is_refused_beside_its_field(self, client, alice, box, address):
        sign_in(client)
        confirm(client)

        answer = client.post("/settings/mail", {"action_add": "1", "email": address})

        assert answer.status_code == 200
        assert 'class="problem"' in answer.content.decode()

    def test_of_somebody_else_stays_theirs_and_is_not_told_apart(self, client, alice, bob, box):
        has_address(bob, "bob@example.org")
        sign_in(client)
        confirm(client)

        answer = client.post("/settings/mail", {"action_add": "1", "email": "bob@example.org"})
        code = code_in(box.to("bob@example.org")[0])
        client.post("/settings/mail/confirm", {"code": code})

        assert answer["Location"] == "/settings/mail/confirm"
        assert EmailAddress.objects.get().user_id == bob.id

    def test_can_be_removed(self, client, alice, box):
        has_address(alice)
        sign_in(client)
        confirm(client)

        client.post("/settings/mail", {"action_remove": "1", "email": ADDRESS})

        assert not EmailAddress.objects.exists()

    @pytest.mark.parametrize("action", ["action_add", "action_send"])
    def test_of_somebody_else_gets_no_heap_of_mail(self, client, alice, box, action):
        sign_in(client)
        confirm(client)

        for _ in range(8):
            client.post("/settings/mail", {"action_add": "1", "email": ADDRESS})
            answer = client.post("/settings/mail", {action: "1", "email": ADDRESS})

        assert "Too many" in answer.content.decode()
        assert len(box.to(ADDRESS)) <= 5

    def test_signs_in_as_the_name_does(self, client, alice):
        has_address(alice)

        assert sign_in(client, username="ALICE@example.org").status_code == 302

    def test_not_proven_signs_nobody_in(self, client, alice):
        EmailAddress.objects.create(user=alice, email=ADDRESS)

        assert sign_in(client, username=ADDRESS).status_code == 200

    def test_is_not_told_to_be_somebodys_by_what_is_counted(self, client, alice):
        has_address(alice)
        for _ in range(5):
            sign_in(client, username=ADDRESS, password="wrong")

        assert sign_in(client, password="wrong").status_code == 200
        assert sign_in(client, username=ADDRESS).status_code == 429

    @pytest.mark.parametrize("typed", [f" {ADDRESS} ", ADDRESS.upper(), ADDRESS.replace("a", "ａ")])
    @pytest.mark.parametrize("is_known", [True, False])
    def test_is_counted_however_it_is_written(self, client, alice, typed, is_known):
        if is_known:
            has_address(alice)
        for _ in range(5):
            guess_by_program(ADDRESS)

        assert guess_by_program(typed).status_code == 429

    def test_makes_a_token_too(self, client, alice):
        has_address(alice)
        body = {"username": ADDRESS, "password": PASSWORD, "name": "laptop"}

        answer = client.post("/api/auth/token", body, content_type="application/json")

        assert answer.json()["user"]["username"] == "alice"


class TestAForgottenPassword:
    def test_is_offered_only_where_mail_is_set_up(self, client, settings):
        settings.SMTP_URL = None
        without = client.get("/login").content.decode()
        settings.SMTP_URL = "smtp://127.0.0.1"

        assert "/password/reset" not in without
        assert "/password/reset" in client.get("/login").content.decode()

    @pytest.mark.parametrize(
        "page", ["/password/reset", "/settings/mail", "/settings/mail/confirm"]
    )
    def test_and_addresses_have_no_pages_elsewhere(self, client, alice, page):
        sign_in(client)

        for answer in (client.get(page), client.post(page, {"email": ADDRESS})):
            assert answer.status_code == 404

    def test_leads_to_the_public_address_whatever_host_was_asked(
        self, client, alice, box, settings
    ):
        has_address(alice)
        settings.PUBLIC_URL = "https://files.example.org"

        client.post("/password/reset", {"email": ADDRESS}, headers={"Host": "localhost"})

        assert "https://files.example.org/password/reset/" in box.to(ADDRESS)[0]

    def test_is_told_in_the_name_of_the_public_address(self, client, alice, box, settings):
        has_address(alice)
        settings.PUBLIC_URL = "https://files.example.org"

        client.post("/password/reset", {"email": ADDRESS}, headers={"Host": "localhost:666"})

        [mail] = box.to(ADDRESS)
        assert "Hello from files.example.org!" in mail
        assert "localhost" not in mail

    def test_is_sent_to_nobody_whom_the_identity_provider_alone_lets_in(self, client, alice, box):
        """Or whoever is removed there would be in again by it."""
        has_address(alice)
        alice.set_unusable_password()
        alice.save(update_fields=["password"])
        SocialAccount.objects.create(user=alice, provider="oidc", uid="alice there")

        answer = ask_for_a_new_password(client)

        unknown = ask_for_a_new_password(Client(), "nobody@example.org")
        assert (answer.status_code, answer["Location"]) == (
            unknown.status_code,
            unknown["Location"],
        )
        assert box.to(ADDRESS) == []

    def test_is_sent_to_whoever_signs_in_either_way(self, client, alice, box):
        has_address(alice)
        SocialAccount.objects.create(user=alice, provider="oidc", uid="alice there")

        ask_for_a_new_password(client)

        assert len(box.to(ADDRESS)) == 1

    def test_is_sent_to_whoever_was_made_without_one(self, client, alice, box):
        has_address(alice)
        alice.set_unusable_password()
        alice.save(update_fields=["password"])

        ask_for_a_new_password(client)

        assert len(box.to(ADDRESS)) == 1

    def test_is_set_anew_by_the_link_in_a_mail(self, client, alice, box):
        has_address(alice)
        ask_for_a_new_password(client)
        [mail] = box.to(ADDRESS)

        set_new_password(client, link_in(mail))

        assert sign_in(Client(), password=PASSWORD).status_code == 200
        assert sign_in(Client(), password=NEW).status_code == 302

    def test_set_anew_ends_all_sessions(self, client, alice, box):
        has_address(alice)
        elsewhere = Client()
        sign_in(elsewhere)
        ask_for_a_new_password(client)

        set_new_password(client, link_in(box.to(ADDRESS)[0]))

        assert elsewhere.get("/api/auth/me").status_code == 401
        assert client.get("/api/auth/me").status_code == 401  # and it signs nobody in

    def test_has_a_link_that_works_once(self, client, alice, box):
        has_address(alice)
        ask_for_a_new_password(client)
        link = link_in(box.to(ADDRESS)[0])
        set_new_password(client, link)

        answer = Client().get(link)

        assert answer.status_code == 200
        assert "password1" not in answer.content.decode()

    @pytest.mark.parametrize("password", ["short", "alice", "1234567890123", "", "x" * 2000])
    def test_is_not_set_to_a_bad_one(self, client, alice, box, password):
        has_address(alice)
        ask_for_a_new_password(client)

        answer = set_new_password(client, link_in(box.to(ADDRESS)[0]), password)

        assert answer.status_code == 200
        assert sign_in(Client()).status_code == 302

    def test_is_answered_the_same_for_an_address_nobody_has(self, client, alice, box):
        has_address(alice)
        known = ask_for_a_new_password(client)

        unknown = ask_for_a_new_password(Client(), "nobody@example.org")

        assert (unknown.status_code, unknown["Location"]) == (known.status_code, known["Location"])
        assert box.to("nobody@example.org") == []

    def test_sends_nothing_to_a_deactivated_person(self, client, alice, box):
        has_address(alice)
        deactivate_user(user=alice)

        ask_for_a_new_password(client)

        assert box.to(ADDRESS) == []

    def test_is_not_set_by_who_was_deactivated_meanwhile(self, client, alice, box):
        has_address(alice)
        ask_for_a_new_password(client)
        link = link_in(box.to(ADDRESS)[0])
        deactivate_user(user=alice)

        answer = client.get(link)

        assert answer.status_code == 200
        assert "password1" not in answer.content.decode()

    def test_fills_nobodys_mailbox(self, client, alice, box):
        has_address(alice)
        for _ in range(8):
            answer = ask_for_a_new_password(Client())

        assert "Too many" in answer.content.decode()
        assert len(box.to(ADDRESS)) == 5
        assert WINDOW.total_seconds() == 900

    @pytest.mark.parametrize(
        "tail", ["x-y", "x-set-password", "%00-y", f"{'z' * 300}-y", "1-a-b", "sent/x"]
    )
    def test_made_up_links_lead_nowhere(self, client, tail):
        answer = client.get(f"/password/reset/{tail}")

        assert answer.status_code in {200, 404}
        assert "password1" not in answer.content.decode()

    @pytest.mark.parametrize("address", [ADDRESS, "nobody@example.org"])
    def test_is_left_to_the_worker_whoever_is_known(self, client, alice, box, address):
        """Whose address is known must not show by how long an answer takes."""
        has_address(alice)

        ask_for_a_new_password(client, address)

        assert box.received == []
        assert [task.name for task in jobs.queue.pending()] == ["find_who_forgot"]

    def test_a_mail_server_that_is_away_is_asked_again(self, client, alice, box, settings):
        has_address(alice)
        port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
        ask_for_a_new_password(client)
        for _ in ("whose it is", "the mail"):
            jobs.queue.execute(jobs.queue.dequeue())
        assert jobs.queue.scheduled_count() == 1
        settings.EMAIL_PORT = port

        [again] = jobs.queue.scheduled()
        jobs.queue.execute(again, again.eta)

        assert len(box.received) == 1
