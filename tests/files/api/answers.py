"""How tests read answers: refusals by status and code, and what lies on the node."""

from typing import Any

from django.conf import settings

from files.chunkstore.registry import node


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    """The error object of an answer that must be this refusal, in the one documented shape."""
    assert response.status_code == status, response.content[:500]
    assert response.headers["Content-Type"] == "application/json"
    error: dict[str, Any] = response.json()["error"]
    assert error["code"] == code, error
    assert {"code", "message", "field", "hint", "request_id"} <= set(error)
    assert error["message"].isprintable()
    assert error["message"].strip()
    assert "Traceback" not in response.text
    assert str(settings.HOME) not in response.text
    assert str(settings.BASE_DIR) not in response.text
    return error


def answered(response: Any, status: int = 200) -> Any:
    """The body of an answer that must have this status."""
    assert response.status_code == status, response.content[:500]
    return response.json()


def node_objects() -> set[str]:
    """Keys of everything stored on the one node of the tests."""
    return {stored.key for stored in node("main").list()}
