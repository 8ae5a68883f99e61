"""The cast: alice owns, bob is shared with, carol is outside."""

import pytest

from accounts.actions import create_owner, create_user, make_token

PASSWORD = "correct horse battery"


@pytest.fixture
def alice(db):
    return create_user(username="alice", password=PASSWORD, display_name="Alice Arden")


@pytest.fixture
def bob(db):
    return create_user(username="bob", password=PASSWORD, display_name="Bob Baker")


@pytest.fixture
def owner(db):
    return create_owner(username="owner", password=PASSWORD)


@pytest.fixture
def as_alice(alice):
    """Headers of a program that acts for alice."""
    return {"Authorization": f"Bearer {make_token(user=alice, name='laptop').text}"}
