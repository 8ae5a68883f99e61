"""People in front of a browser: sessions and forms, no tokens."""

import re
from html import unescape

import pytest
from django.test import Client

from tests.world import Person


class Browser:
    """A signed-in person's browser without JavaScript: it follows redirects and reads pages."""

    def __init__(self, person: Person) -> None:
        self.client = Client(raise_request_exception=False)
        self.client.force_login(person.user)

    def get(self, path: str):
        return self.client.get(path, follow=True)

    def post(self, path: str, **fields: object):
        return self.client.post(path, fields, follow=True)


def text_of(response) -> str:
    """The words of a page, as they are read."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def names_on(response) -> list[str]:
    return [unescape(name) for name in re.findall(r"<bdi>(.*?)</bdi>", response.content.decode())]


def links_on(response) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]+)"', response.content.decode())]


@pytest.fixture
def alice(world) -> Browser:
    return Browser(world.alice)


@pytest.fixture
def bob(world) -> Browser:
    return Browser(world.bob)
