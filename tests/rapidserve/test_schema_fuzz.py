"""Requests made up from the schema: whatever is asked, the answer is one that the schema describes.

Each made-up request is sent twice: as it is, and with ids of things that are there, since an
unknown id is refused before much else is looked at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.rapidserve.test_schema import api_operations

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/vnd.rapidserve.pack")
def as_it_is(_context: Any, value: Any) -> Any:
    """Any bytes: what a pack holds is made up in tests/files/api/test_pack.py."""
    return getattr(value, "data", value)


@contextmanager
def one_connection() -> Iterator[None]:
    """As Django's own test client: a request must not close the connection of the test."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def api():
    """The application in this process, and its schema."""
    with one_connection():
        return schemathesis.openapi.from_wsgi("/api/schema/", WSGIHandler())


@pytest.fixture
def known(world) -> dict[str, Any]:
    """Things of alice's by the name of the parameter or field that may hold their id."""
    alice = world.alice
    done = alice.upload("a.txt", b"")
    return {
        "headers": {"Authorization": f"Bearer {alice.token}"},
        "path": {
            "entry_id": done["file"]["id"],
            "version_id": done["version"]["id"],
            "space_id": alice.post("/api/spaces", {"name": "Team", "kind": "team"}).json()["id"],
            "upload_id": alice.register("b.txt", b"open").json()["upload_id"],
        },
        "body": {"parent": alice.folder("papers")},
        "query": {"space": str(alice.space.id), "version": done["version"]["id"]},
    }


def with_known(given: Any, known: dict[str, Any]) -> Any:
    if not isinstance(given, dict):
        return given
    return {name: known.get(name, value) for name, value in given.items()}


@pytest.mark.parametrize(("method", "path"), sorted(api_operations()))
def test_whatever_is_asked_the_answer_is_one_that_is_described(api, known, method, path):
    @settings(
        max_examples=12,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(api[path][method].as_strategy())
    def check(case):
        case.call_and_validate(headers=known["headers"], checks=CHECKS)
        case.path_parameters = with_known(case.path_parameters, known["path"])
        case.query = with_known(case.query, known["query"])
        case.body = with_known(case.body, known["body"])
        case.call_and_validate(headers=known["headers"], checks=CHECKS)

    with one_connection():
        check()
