"""The cast: alice owns, bob is shared with, carol is outside."""

import pytest

from accounts.actions import create_owner, create_user, make_token
from rapidserve import jobs
from tests.engines.postbox import postbox

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


@pytest.fixture
def box(settings):
    """Mail is set up, and goes to a real server."""
    jobs.prepare()
    jobs.queue.flush()
    with postbox() as running:
        settings.SMTP_URL = f"smtp://127.0.0.1:{running.port}"
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


def sign_in(client, username="alice", password=PASSWORD):
    return client.post("/login", {"username": username, "password": password})


def confirm(client, password=PASSWORD):
    """The password again, before something that an open browser alone must not do."""
    return client.post("/settings/confirm?next=/settings", {"password": password})
