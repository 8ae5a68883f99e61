"""HTTP to one server: who gets the token, what is tried again, what is believed.

The token goes to the server's own API and nowhere else. Addresses of chunks carry their own
permission; they are asked without it, wherever they lead.
"""

import http.cookiejar
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Self

import httpx2

from rapidserve_client import __version__
from rapidserve_client.errors import (
    BadAnswer,
    Broken,
    Busy,
    Damaged,
    NeverReached,
    NotFound,
    NotSignedIn,
    Refused,
    Unreachable,
    Unsafe,
)
from rapidserve_client.patience import Halt, persist

MAX_ANSWER: Final = 32 * 2**20
"""Bytes of JSON. A page of 1000 entries or chunks takes about 1 MiB."""
MAX_ERROR: Final = 2**20
MAX_REDIRECTS: Final = 3
TIMEOUT: Final = httpx2.Timeout(60.0, connect=10.0, pool=None)
PATIENT_TIMEOUT: Final = httpx2.Timeout(600.0, connect=10.0, pool=None)
"""Seconds. For completing an upload, when the server looks for a million chunks."""
_PASSING: Final = {429, 500, 502, 503, 504}
_S3_CODE = re.compile(rb"<Code>(\w{1,64})</Code>")


@dataclass(frozen=True, slots=True)
class Body:
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Put:
    """Where a chunk is to be sent, exactly as the server said."""

    method: str
    url: str
    headers: Mapping[str, str]


class Connection:
    """Threads may share it. `address`: the server's, without a slash at the end."""

    def __init__(self, address: str, token: str | None, halt: Halt, *, parallel: int) -> None:
        self.address = address
        self._token = token
        self._halt = halt
        self._answered: set[str] = set()
        room = 2 * parallel + 2  # as many calls as chunks may be under way, and ours
        self._client = httpx2.Client(
            timeout=TIMEOUT,
            limits=httpx2.Limits(
                max_connections=room, max_keepalive_connections=room, keepalive_expiry=30.0
            ),
            headers={
                "User-Agent": f"rapidserve-client/{__version__}",
                "Accept-Encoding": "identity",  # what is announced is counted as it arrives
            },
            cookies=http.cookiejar.CookieJar(
                http.cookiejar.DefaultCookiePolicy(allowed_domains=[])
            ),
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Mapping[str, str | int] | None = None,
        patient: bool = False,
        once: bool = False,
    ) -> Any:
        """The JSON that the API answers; None for an empty answer.

        Refused, Transient or BadAnswer. `once`: for what must not be repeated; `patient`: for what
        may take the server minutes.
        """
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = body.media_type
        request = self._client.build_request(
            method,
            self.address + path,
            params=query,
            content=None if body is None else body.content,
            headers=headers,
            timeout=PATIENT_TIMEOUT if patient else TIMEOUT,
        )

        def ask() -> Any:
            with self._answer(request) as answer:
                _refuse_redirect(answer)
                return _json(answer.read(MAX_ANSWER))

        return ask() if once else persist(ask, self._halt)

    def put(self, target: Put, pieces: Callable[[], Iterable[bytes]], size: int) -> None:
        """Send a chunk: `size` bytes, from the beginning each time it is tried."""

        def send() -> None:
            request = self._request(
                target.method,
                target.url,
                {**target.headers, "Content-Length": str(size)},
                self._interruptible(pieces()),
            )
            with self._answer(request) as answer:
                _refuse_redirect(answer)

        persist(send, self._halt)

    def fetch(self, url: str, size: int, seen: Callable[[int], None]) -> bytearray:
        """The `size` bytes of a chunk, not yet verified. `seen` is told of bytes as they come, and
        of as many less than none when they have to come again.
        """

        def receive() -> bytearray:
            arrived = 0

            def note(more: int) -> None:
                nonlocal arrived
                arrived += more
                seen(more)

            try:
                return self._fetch(url, size, note)
            except BaseException:
                seen(-arrived)
                raise

        return persist(receive, self._halt)

    def close(self) -> None:
        self._client.close()

    def _fetch(self, url: str, size: int, seen: Callable[[int], None]) -> bytearray:
        for _ in range(MAX_REDIRECTS + 1):
            with self._answer(self._request("GET", url, {}, None)) as answer:
                if not answer.location:
                    return self._receive(answer, size, seen)
                url = str(httpx2.URL(url).join(answer.location))
        raise BadAnswer("The address of a chunk leads from one place to the next without end.")

    def _receive(self, answer: "_Answer", size: int, seen: Callable[[int], None]) -> bytearray:
        if answer.status != httpx2.codes.OK:
            raise BadAnswer(f"The server answered {answer.status} where a chunk was expected.")
        data = bytearray(size)
        filled = 0
        for piece in answer.pieces():
            self._halt.check()
            if filled + len(piece) > size:
                raise Damaged("The server sent more bytes than it announced.")
            data[filled : filled + len(piece)] = piece
            filled += len(piece)
            seen(len(piece))
        if filled < size:
            raise Broken("The server ended an answer too early.")
        return data

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: Iterator[bytes] | None
    ) -> httpx2.Request:
        """One without the token, to wherever the server says: but never from https to http."""
        try:
            parsed = httpx2.URL(url)
            allowed = {"https"} if self.address.startswith("https:") else {"http", "https"}
            if parsed.scheme not in allowed or not parsed.host:
                raise Unsafe("The server gave an address that is not used: it is not safe.")
            return self._client.build_request(method, parsed, headers=headers, content=body)
        except (httpx2.InvalidURL, ValueError) as error:
            raise BadAnswer("The server gave an address that can't be used.") from error

    def _interruptible(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._halt.check()
            yield piece

    def _answer(self, request: httpx2.Request) -> "_Answer":
        """The answer, opened, when it is a good one or a redirect; else what it refuses with."""
        try:
            response = self._client.send(request, stream=True)
        except httpx2.LocalProtocolError as error:
            raise BadAnswer("The server gave headers that can't be sent.") from error
        except httpx2.TransportError as error:
            known = request.url.host in self._answered
            kind = Unreachable if known else NeverReached
            raise kind(_unreachable(request, error)) from error
        self._answered.add(request.url.host)
        answer = _Answer(response)
        if not (response.is_success or answer.location):
            with answer:
                _refuse(answer)
        return answer


class _Answer:
    """A response that is being read; closed at the end of its `with`."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.location = response.headers.get("Location") if response.is_redirect else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    @property
    def retry_after(self) -> float:
        """Seconds; 0 when it does not say, or says it as a date."""
        text = self._response.headers.get("Retry-After", "")
        return float(text) if text.isascii() and text.isdecimal() else 0.0

    def pieces(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_raw()
        except httpx2.TransportError as error:
            raise Broken("The connection broke in the middle of an answer.") from error

    def read(self, most: int) -> bytes:
        """All of it. BadAnswer when that is more than `most` bytes: memory is not the server's."""
        read = bytearray()
        for piece in self.pieces():
            read += piece
            if len(read) > most:
                raise BadAnswer("The server's answer is far too long.")
        return bytes(read)


def _json(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadAnswer("The server did not answer JSON. Is it RapidServe?") from error


def _refuse_redirect(answer: _Answer) -> None:
    """The token is not carried elsewhere, and a body that was sent is not sent to somebody else."""
    if answer.location:
        raise BadAnswer(
            f"The server sends to another address: {answer.location}. If it is right, log in there."
        )


def _refuse(answer: _Answer) -> NoReturn:
    """Raise what a bad status means: with the server's own words if it has some."""
    body = answer.read(MAX_ERROR)
    code, message, facts = _error_in(body)
    if not message:
        message = f"The server answered with status {answer.status}."
    if answer.status in _PASSING:
        raise Busy(message, retry_after=answer.retry_after)
    kinds: dict[int, type[Refused]] = {401: NotSignedIn, 404: NotFound}
    kind = kinds.get(answer.status, Refused)
    raise kind(message, code=code, status=answer.status, facts=facts)


def _error_in(body: bytes) -> tuple[str, str, dict[str, Any]]:
    """(code, message, facts) of an error of this protocol, or the code of one of S3."""
    if match := _S3_CODE.search(body):
        return match[1].decode(), f"The storage answered {match[1].decode()}.", {}
    try:
        error = json.loads(body)["error"]
        return str(error["code"]), str(error["message"]), dict(error)
    except (ValueError, RecursionError, TypeError, KeyError):
        return "", "", {}


def _unreachable(request: httpx2.Request, error: httpx2.TransportError) -> str:
    """In the operating system's words, where it has some."""
    why = str(error) or type(error).__name__
    return f"{request.url.host} can't be reached: {why}."
