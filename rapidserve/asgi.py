"""The outermost application: bytes to the delivery plane, everything else to Django.

Importing this opens no connection and starts no thread: rapidserve.web loads it before it forks.
"""

import logging
import os
from typing import Any, Final, cast

from a2wsgi import WSGIMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapidserve.settings")

from django.core.wsgi import get_wsgi_application

django_application = get_wsgi_application()

from django.conf import settings
from django.db import DatabaseError, connection
from starlette.types import ASGIApp, Receive, Scope, Send

from files.chunkstore import registry
from files.chunkstore.errors import ChunkStoreError
from files.delivery import longpoll
from files.delivery.app import create_plane
from files.models import Node
from rapidserve import front
from rapidserve.errors import MethodNotAllowed, RapidServeError, Unavailable
from rapidserve.observability.health import Readiness
from rapidserve.observability.requests import current_request_id, request_id_from

log = logging.getLogger(__name__)

# Blocks of an answer that wait for a slow reader. Enough for every page and most static files, so
# that the thread that made them is free again.
SEND_QUEUE: Final = 256
HEALTH_METHODS: Final = ("GET", "HEAD")


def database_problem() -> str | None:
    try:
        Node.objects.exists()
    except DatabaseError:
        log.exception("The database does not answer.")
        connection.close()  # the next look starts with a fresh one
        return "does not answer"
    return None


def nodes_problem() -> str | None:
    failing = []
    for name, node in registry.nodes().items():
        try:
            node.backend.check()
        except ChunkStoreError:
            log.exception("Node %s can't take and give chunks.", name)
            failing.append(name)
    return f"failing: {', '.join(failing)}" if failing else None


def epochs_problem() -> str | None:
    return None if plane.state.epochs.is_fresh else "withdrawn rights are not known"


plane = create_plane()
journal = longpoll.JournalWatch()
# Its types are its own names for the same things.
pages = cast(
    "ASGIApp",
    WSGIMiddleware(
        cast("Any", django_application),
        workers=settings.WEB_THREADS,
        send_queue_size=SEND_QUEUE,
    ),
)
bodies = front.BodyReader()
readiness = Readiness(
    {"database": database_problem, "nodes": nodes_problem, "epochs": epochs_problem}
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        await plane(scope, receive, send)  # lifespan: the plane has things to start and to stop
        return
    request_id = request_id_from(_offered_request_id(scope))
    current_request_id.set(request_id)
    answer = front.Answer(send, request_id)
    try:
        await _dispatch(scope, receive, answer, request_id)
    except RapidServeError as error:
        await front.answer_error(error, answer)
    except Exception:
        log.exception("%s %s failed.", scope["method"], scope["path"])
        if answer.started:
            raise  # the connection must break, or half an answer would pass for a whole one
        broken = RapidServeError("Something went wrong here.", code="internal_error")
        await front.answer_error(broken, answer)


async def _dispatch(scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
    path = scope["path"]
    refusal = front.refusal(scope)
    if refusal is not None:
        await front.drain(receive)
        raise refusal
    if path.startswith("/d/"):
        await plane(scope, receive, send)
    elif path in {"/health/live", "/health/ready"}:
        await _answer_health(scope, receive, send)
    elif longpoll.is_long_poll(scope):
        await longpoll.answer(pages, journal, front.for_wsgi(scope, request_id), receive, send)
    else:
        body = await bodies.read(scope, receive)
        await pages(front.for_wsgi(scope, request_id), front.replay(body), send)


async def _answer_health(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] not in HEALTH_METHODS:
        await front.drain(receive)
        raise MethodNotAllowed("Only looking is possible here.", facts={"allowed": HEALTH_METHODS})
    if scope["path"] == "/health/live":
        await front.answer_json(200, {"status": "live"}, send)
        return
    parts = await readiness.report()
    if any(state != "ok" for state in parts.values()):
        failing = ", ".join(part for part, state in parts.items() if state != "ok")
        raise Unavailable(f"Not ready: {failing}.", code="not_ready", facts={"parts": parts})
    await front.answer_json(200, {"status": "ready", "parts": parts}, send)


def _offered_request_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return str(value, "latin-1")
    return None
