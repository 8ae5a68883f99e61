"""Desks to type the command at, beside a real server and what may stand between the two."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from desk import Desk
from proxy import Proxy
from tests.e2e.conftest import OWNER, PASSWORD, Server, server, start_server

__all__ = ["server", "start_server"]


def sign_in(url: str) -> str:
    body = {"username": OWNER, "password": PASSWORD, "name": "tests of the client"}
    answer = httpx2.post(f"{url}/api/auth/token", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]


@pytest.fixture(scope="session")
def token(server: Server) -> str:
    return sign_in(server.url)


@pytest.fixture
def desk(tmp_path: Path, server: Server, token: str) -> Desk:
    """alice's, signed in by environment variables."""
    return Desk.at(tmp_path / "desk", server.url, token)


@pytest.fixture
def blank_desk(tmp_path: Path) -> Desk:
    """Somebody's who never signed in."""
    return Desk.at(tmp_path / "blank", None, None)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """A folder on the server for this test alone; nothing is there yet."""
    return f"{request.node.originalname}-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def proxied(tmp_path: Path, token: str, server: Server) -> Iterator[tuple[Desk, Proxy]]:
    """A desk that reaches the server through a proxy."""
    with Proxy(server.port) as proxy:
        yield Desk.at(tmp_path / "desk", proxy.url, token), proxy


@pytest.fixture
def own_server(tmp_path: Path, start_server: Callable[..., Server]) -> tuple[Server, Desk]:
    """A server that the test may kill or damage, and a desk signed in to it."""
    running = start_server()
    return running, Desk.at(tmp_path / "desk", running.url, sign_in(running.url))
