"""The delivery plane: token-checked bytes in and out. No ORM on the hot path, no Django request.

PUT       /d/upload/{ticket}        one chunk in
GET HEAD  /d/chunk/{ticket}         one extent out
GET HEAD  /d/file/{ticket}/{name}   a whole file out; the name is only for the reader's eyes
POST      /d/form/{ticket}          a whole file in, by a form of a browser without JavaScript
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from files.delivery.answers import error_answer
from files.delivery.chunks import get_chunk, put_chunk
from files.delivery.epochs import EpochWatch
from files.delivery.files import get_file
from files.delivery.forms import post_form
from rapidserve.errors import MethodNotAllowed, NotFound, RapidServeError


def create_plane() -> Starlette:
    plane = Starlette(
        routes=[
            Route("/d/upload/{ticket}", put_chunk, methods=["PUT"]),
            Route("/d/chunk/{ticket}", get_chunk, methods=["GET"]),
            Route("/d/file/{ticket}/{name:path}", get_file, methods=["GET"]),
            Route("/d/form/{ticket}", post_form, methods=["POST"]),
        ],
        exception_handlers={
            RapidServeError: error_answer,
            HTTPException: _routing_error,
            Exception: _unexpected,
        },
        lifespan=_lifespan,
    )
    plane.router.redirect_slashes = False
    plane.state.epochs = EpochWatch()
    return plane


@asynccontextmanager
async def _lifespan(plane: Starlette) -> AsyncIterator[None]:
    watch: EpochWatch = plane.state.epochs
    watch.start()
    try:
        yield
    finally:
        watch.stop()


def _unexpected(request: Request, _error: Exception) -> Response:
    """The one shape, without details. Starlette raises the error again, and it is logged then."""
    broken = RapidServeError("Something went wrong here.", code="internal_error")
    return error_answer(request, broken)


def _routing_error(request: Request, error: Exception) -> Response:
    """Starlette's own 404 and 405 in the shape of every other error."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:  # noqa: PLR2004 - method not allowed
        answer = error_answer(request, MethodNotAllowed("This address is for another method."))
        answer.headers["Allow"] = (error.headers or {}).get("Allow", "")
        return answer
    return error_answer(request, NotFound())
