"""Withdrawing a right stops the addresses that were handed out before, and nothing else does.

Every process learns of withdrawals within a second; `refresh` is that moment here.
"""

import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actions import deactivate_user, end_session, reactivate_user, revoke_token
from accounts.models import ApiToken, SignIn
from files.models import Epoch
from files.tasks import forget_old_epochs
from tests.files.api.answers import answered, refused
from tests.world import Person, path_of

DATA = b"confidential"


@pytest.fixture
def folder(shared_world):
    return shared_world.alice.folder("papers")


@pytest.fixture
def file(shared_world, folder):
    return shared_world.alice.upload("a.txt", DATA, parent=folder)["file"]["id"]


def addresses_for(person, file):
    """A chunk's and the file's address, as handed out to this person."""
    chunk = answered(person.get(f"/api/download/{file}"))["chunks"][0]["url"]
    whole = person.get(f"/api/files/{file}/content")["Location"]
    return [path_of(chunk), path_of(whole)]


@pytest.fixture
def addresses(shared_world, file):
    handed_out = addresses_for(shared_world.alice, file)
    assert_open(shared_world, handed_out)
    return handed_out


def assert_open(world, addresses):
    world.epochs.refresh()
    for address in addresses:
        response = world.plane.get(address)
        assert (response.status_code, response.content) == (200, DATA)


def assert_withdrawn(world, addresses):
    world.epochs.refresh()
    for address in addresses:
        for headers in ({}, {"Range": "bytes=0-0"}, {"If-None-Match": "*"}):
            refused(world.plane.get(address, headers=headers), 403, "token_revoked")
        assert world.plane.head(address).status_code == 403


def test_trashing_the_file_stops_them_and_restoring_lets_them_work_again(
    shared_world, file, addresses
):
    shared_world.alice.delete(f"/api/files/{file}")
    assert_withdrawn(shared_world, addresses)

    shared_world.alice.post(f"/api/trash/{file}/restore")
    assert_open(shared_world, addresses)

    shared_world.alice.delete(f"/api/files/{file}")
    assert_withdrawn(shared_world, addresses)


def test_trashing_stops_them_also_after_older_withdrawals_were_forgotten(shared_world):
    """Addresses carry the number of withdrawals so far: it must not begin anew below them."""
    alice = shared_world.alice
    file = alice.upload("kept.txt", DATA)["file"]["id"]
    for name in ("1.txt", "2.txt", "3.txt"):
        alice.delete(f"/api/files/{alice.upload(name, DATA)['file']['id']}")
    handed_out = addresses_for(alice, file)
    Epoch.objects.update(changed_at=timezone.now() - timedelta(days=365))
    forget_old_epochs.call_local()
    assert not Epoch.objects.exists()
    assert_open(shared_world, handed_out)

    alice.delete(f"/api/files/{file}")

    assert_withdrawn(shared_world, handed_out)


def test_trashing_a_folder_above_stops_them(shared_world, folder, addresses):
    shared_world.alice.delete(f"/api/files/{folder}")
    assert_withdrawn(shared_world, addresses)

    shared_world.alice.post(f"/api/trash/{folder}/restore")
    assert_open(shared_world, addresses)


def test_removing_for_good_stops_them_for_good(shared_world, file, addresses):
    shared_world.alice.delete(f"/api/files/{file}")
    shared_world.alice.delete(f"/api/trash/{file}")

    assert_withdrawn(shared_world, addresses)


def test_revoking_a_token_stops_what_was_handed_out_to_it(shared_world, file, addresses):
    program = Person(shared_world.alice.user, shared_world.plane)
    theirs = addresses_for(program, file)
    token = ApiToken.objects.filter(user=shared_world.alice.user).order_by("-id").first()
    assert_open(shared_world, theirs)

    revoke_token(token=token)

    assert_withdrawn(shared_world, theirs)
    assert_open(shared_world, addresses)


def test_deactivating_a_person_stops_what_was_handed_out_to_them(shared_world, file, addresses):
    deactivate_user(user=shared_world.alice.user)
    assert_withdrawn(shared_world, addresses)

    reactivate_user(user=shared_world.alice.user)
    assert_open(shared_world, addresses)


def test_an_address_for_sending_stops_as_well(shared_world):
    upload = answered(shared_world.alice.register("b.txt", DATA), 201)
    deactivate_user(user=shared_world.alice.user)
    shared_world.epochs.refresh()

    refused(shared_world.alice.send(upload["chunks"][0], DATA), 403, "token_revoked")


def test_other_changes_in_the_space_stop_nothing(shared_world, file, addresses):
    alice = shared_world.alice
    other = alice.upload("other.txt", b"x")["file"]["id"]
    alice.patch(f"/api/files/{file}", {"name": "renamed.txt", "parent": alice.root})
    alice.upload("renamed.txt", b"a newer version")
    alice.delete(f"/api/files/{other}")
    alice.delete(f"/api/trash/{other}")

    assert_open(shared_world, addresses)


def test_what_happens_to_somebody_else_stops_nothing(shared_world, addresses):
    deactivate_user(user=shared_world.bob.user)

    assert_open(shared_world, addresses)


def test_somebody_elses_address_works_for_any_holder_while_it_is_good(shared_world, addresses):
    headers = {"Authorization": f"Bearer {shared_world.bob.token}"}

    assert shared_world.plane.get(addresses[0], headers=headers).content == DATA


def test_a_process_that_has_not_heard_for_too_long_says_so_instead_of_guessing(
    shared_world, addresses
):
    shared_world.epochs._clock = lambda: time.monotonic() + 3601

    for address in addresses:
        response = shared_world.plane.get(address)
        refused(response, 503, "busy")
        assert int(response.headers["Retry-After"]) > 0

    assert_open(shared_world, addresses)


def test_two_seconds_are_too_long(shared_world, monkeypatch):
    monkeypatch.setattr("files.delivery.epochs.STALE_SECONDS", 2.0)
    now = [100.0]
    shared_world.epochs._clock = lambda: now[0]
    shared_world.epochs.refresh()

    now[0] += 2.0
    assert shared_world.epochs.is_fresh
    now[0] += 0.01
    assert not shared_world.epochs.is_fresh


def test_what_a_session_was_given_ends_with_it(shared_world):
    file = shared_world.alice.upload("a.txt", b"text")["file"]["id"]
    browser = Client()
    browser.force_login(shared_world.alice.user)
    [chunk] = browser.get(f"/api/download/{file}").json()["chunks"]
    assert shared_world.plane.get(path_of(chunk["url"])).content == b"text"

    end_session(sign_in=SignIn.objects.get())
    shared_world.epochs.refresh()

    refused(shared_world.plane.get(path_of(chunk["url"])), 403, "token_revoked")
