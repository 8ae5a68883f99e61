"""What the outermost application does when something inside it breaks."""

import asyncio
import json

import pytest

from rapidserve import asgi, front


def scope(path="/", method="GET", headers=()):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
    }


def ask(scope, *messages):
    """The answer's messages, and the exception that would break the connection, if any."""
    incoming = iter([*messages, {"type": "http.disconnect"}])
    sent = []

    async def receive():
        return next(incoming)

    async def send(message):
        sent.append(message)

    try:
        asyncio.run(asgi.application(scope, receive, send))
    except RuntimeError as error:
        return sent, error
    return sent, None


@pytest.fixture
def pages(monkeypatch):
    """Puts an ASGI application in Django's place."""
    return lambda application: monkeypatch.setattr(asgi, "pages", application)


def test_what_breaks_before_it_answered_is_500_without_details(pages):
    async def broken(scope, receive, send):
        raise RuntimeError("with /a/path in it")

    pages(broken)

    sent, error = ask(scope())

    assert error is None
    assert sent[0]["status"] == 500
    assert json.loads(sent[1]["body"])["error"]["code"] == "internal_error"
    assert b"/a/path" not in sent[1]["body"]


def test_what_breaks_in_the_middle_breaks_the_connection(pages):
    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    pages(broken)

    sent, error = ask(scope())

    assert [message["type"] for message in sent] == ["http.response.start"]
    assert error is not None


def test_django_gets_the_whole_body_at_once_and_a_scope_it_can_take(pages):
    seen = {}

    async def noting(scope, receive, send):
        seen.update(scope, body=await receive())

    pages(noting)
    request = scope(
        method="POST",
        headers=[(b"content-length", b"6"), (b"x_forwarded_for", b"me"), (b"x-request-id", b"r-1")],
    ) | {"query_string": "q=é&r=%20+".encode()}

    ask(
        request,
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.request", "body": b"def", "more_body": False},
    )

    assert seen["body"] == {"type": "http.request", "body": b"abcdef", "more_body": False}
    assert seen["query_string"] == b"q=%C3%A9&r=%20+"
    assert (b"x-request-id", b"r-1") in seen["headers"]
    assert b"x_forwarded_for" not in dict(seen["headers"])


def test_a_client_that_goes_away_in_its_body_reaches_no_page(pages):
    reached = []

    async def noting(scope, receive, send):
        reached.append(scope)

    pages(noting)

    sent, _ = ask(
        scope(method="POST", headers=[(b"content-length", b"6")]),
        {"type": "http.request", "body": b"abc", "more_body": True},
    )

    assert reached == []
    assert sent[0]["status"] == 400


def test_a_client_that_dawdles_for_too_long_is_told_so(pages, monkeypatch):
    monkeypatch.setattr(front, "BODY_SECONDS", 0)
    answered = []

    async def never():
        await asyncio.Event().wait()

    async def send(message):
        answered.append(message)

    request = scope(method="POST", headers=[(b"content-length", b"6")])

    asyncio.run(asgi.application(request, never, send))

    assert answered[0]["status"] == 400
    assert json.loads(answered[1]["body"])["error"]["code"] == "body_incomplete"


def test_an_answer_has_one_request_id_also_when_django_set_it(pages):
    async def answering(scope, receive, send):
        headers = [(b"x-request-id", b"r-1"), (b"a", b"b")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})

    pages(answering)

    sent, _ = ask(scope(headers=[(b"x-request-id", b"r-1")]))

    assert sorted(sent[0]["headers"]) == [(b"a", b"b"), (b"x-request-id", b"r-1")]
