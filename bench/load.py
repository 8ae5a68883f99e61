"""The client: the same for every server, and cheap enough not to be what is measured.

One process for each connection, kept open, with a blocking socket. Bodies are dropped inside the
kernel (MSG_TRUNC: counted, never copied), so that a gigabyte costs the client a few hundred system
calls. Every answer's status and length are checked: an error page is a very fast download.
"""

import multiprocessing
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Final, cast

PATIENCE_SECONDS: Final = 60
HEAD_BYTES: Final = 16 * 1024
_WATCH_SECONDS: Final = 0.05
_DROPPED_AT_ONCE: Final = 2**20
_WITHOUT_BODY: Final = {204, 304}
_fork: Final = multiprocessing.get_context("fork")  # tasks hold prepared bodies: shared, not sent


class Refused(Exception):
    """An answer that is not the expected one, or none: the measurement is void."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer must be. `length` None: any body."""

    status: int
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    head: bytes
    """Status line and headers, as they came."""
    body: bytes

    def header(self, name: bytes) -> str | None:
        value = _header(self.head, name)
        return None if value is None else value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`seconds` from the common start to the last answer; `client_cpu` of all connections."""

    seconds: float
    client_cpu: float


class Connection:
    """One kept-alive HTTP/1.1 connection to 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._host = b"Host: 127.0.0.1:%d\r\n" % port
        self._waste = bytearray(_DROPPED_AT_ONCE)
        self._socket = self._connected()

    def drop(self, request: "Request", expected: Expected) -> None:
        """Send, check the answer, and forget its body."""
        self._send(request)
        head, begun, left = self._head()
        _check(request, expected, head, len(begun) + left)
        while left:
            # WAITALL: one call for a whole megabyte, however many segments it comes in.
            flags = socket.MSG_TRUNC | socket.MSG_WAITALL
            dropped = self._socket.recv_into(self._waste, min(left, _DROPPED_AT_ONCE), flags)
            if not dropped:
                raise Refused(f"{request}: the body ended {left} bytes short.")
            left -= dropped
        self._close_when_told(head)

    def ask(self, request: "Request", expected: Expected) -> Answer:
        """Send, check the answer, and keep its body."""
        self._send(request)
        head, begun, left = self._head()
        body = bytearray(begun)
        while left:
            more = self._socket.recv(min(left, _DROPPED_AT_ONCE))
            if not more:
                raise Refused(f"{request}: the body ended {left} bytes short.")
            body += more
            left -= len(more)
        try:
            _check(request, expected, head, len(body))
        except Refused as refused:
            raise Refused(f"{refused} {bytes(body[:300])!r}") from None
        self._close_when_told(head)
        return Answer(head, bytes(body))

    def close(self) -> None:
        self._socket.close()

    def _connected(self) -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_SECONDS)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A time limit in Python would make the socket non-blocking, with a poll before each call.
        connected.settimeout(None)
        limit = PATIENCE_SECONDS.to_bytes(8, "little") + bytes(8)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        return connected

    def _send(self, request: "Request") -> None:
        head = request.head + self._host + b"\r\n"
        if not request.body:
            self._socket.sendall(head)
            return
        self._socket.sendall(head, socket.MSG_MORE)
        for part in request.body:
            self._socket.sendall(part)

    def _head(self) -> tuple[bytes, bytes, int]:
        """The head, the first bytes of the body, and how many more are to come."""
        received = b""
        while b"\r\n\r\n" not in received:
            more = self._socket.recv(HEAD_BYTES - len(received))
            if not more:
                raise Refused(f"No answer, but {received[:200]!r}.")
            received += more
        head, _, begun = received.partition(b"\r\n\r\n")
        length = _header(head, b"content-length")
        if length is None and _status(head) not in _WITHOUT_BODY:
            raise Refused(f"An answer without a Content-Length: {head[:200]!r}.")
        return head, begun, int(length or 0) - len(begun)

    def _close_when_told(self, head: bytes) -> None:
        if _header(head, b"connection") == b"close":
            self._socket.close()
            self._socket = self._connected()


class Request:
    """A request, ready to be sent. `body`: parts that are sent one after the other, uncopied."""

    __slots__ = ("body", "head")

    def __init__(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: Sequence[bytes | memoryview] = (),
    ) -> None:
        lines = [f"{method} {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body or method not in {"GET", "HEAD", "DELETE"}:
            lines.append(f"Content-Length: {sum(map(len, body))}")
        self.head = "".join(f"{line}\r\n" for line in lines).encode()
        self.body = body

    def __repr__(self) -> str:
        return self.head.split(b" HTTP/", 1)[0][:120].decode()


Task = Callable[[Connection], None]
"""A piece of work on one connection: one request, or several that belong together."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The plainest task: a request whose answer must be as expected."""

    request: Request
    expected: Expected

    def __call__(self, connection: Connection) -> None:
        connection.drop(self.request, self.expected)


@dataclass(frozen=True, slots=True)
class _Report:
    """Of one connection. Times of the monotonic clock, which all processes share."""

    began: float
    ended: float
    cpu: float
    problem: str


def run(
    port: int,
    tasks: Sequence[Task],
    connections: int,
    watch: Callable[[], None] | None = None,
) -> Outcome:
    """Work all tasks off, each connection taking the next one; Refused when any of them is.

    `watch` is called now and then meanwhile.
    """
    following = _fork.Value("l", 0)
    start = _fork.Barrier(connections + 1)
    pipes = [_fork.Pipe(duplex=False) for _ in range(connections)]
    processes = [
        _fork.Process(target=_work, args=(port, tasks, following, start, pipe), daemon=True)
        for _, pipe in pipes
    ]
    for process in processes:
        process.start()
    try:
        for _, writing in pipes:
            writing.close()
        start.wait(PATIENCE_SECONDS)
        reports = _reports([reading for reading, _ in pipes], watch)
    except BrokenBarrierError:
        raise Refused(f"Not all of {connections} connections could be made.") from None
    finally:
        for process in processes:
            process.kill()
            process.join()
    return Outcome(
        seconds=max(one.ended for one in reports) - min(one.began for one in reports),
        client_cpu=sum(one.cpu for one in reports),
    )


def _reports(pipes: list[Pipe], watch: Callable[[], None] | None) -> list[_Report]:
    waiting = {pipe.fileno(): pipe for pipe in pipes}
    reports = []
    while waiting:
        ready = wait(list(waiting), _WATCH_SECONDS if watch else None)
        reports += [_report(waiting.pop(cast("int", number))) for number in ready]
        if watch:
            watch()
    return reports


def _report(pipe: Pipe) -> _Report:
    try:
        report: _Report = pipe.recv()
    except EOFError:
        raise Refused("A client process died.") from None
    if report.problem:
        raise Refused(report.problem)
    return report


def _work(
    port: int, tasks: Sequence[Task], following: "Synchronized[int]", start: Barrier, pipe: Pipe
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the bench ends its clients itself
    try:
        connection = Connection(port)
    except OSError:
        start.abort()
        return
    cpu = time.process_time()
    start.wait(PATIENCE_SECONDS)
    # By the workers' own clocks: on a busy machine the parent hears of the start late.
    began = time.monotonic()
    problem = ""
    try:
        while (number := _next(following)) < len(tasks):
            tasks[number](connection)
    except (Refused, OSError, ValueError) as error:
        problem = str(error) or type(error).__name__
    pipe.send(_Report(began, time.monotonic(), time.process_time() - cpu, problem))
    connection.close()


def _next(following: "Synchronized[int]") -> int:
    with following.get_lock():
        number = following.value
        following.value += 1
    return number


def _check(request: Request, expected: Expected, head: bytes, length: int) -> None:
    status = _status(head)
    if status != expected.status:
        raise Refused(f"{request}: answered {status}, not {expected.status}.")
    if expected.length is not None and length != expected.length:
        raise Refused(f"{request}: {length} bytes, not {expected.length}.")


def _status(head: bytes) -> int:
    return int(head[9:12])


def _header(head: bytes, name: bytes) -> bytes | None:
    """A header's value. Names come in any case, and values must keep theirs."""
    _, found, rest = head.lower().partition(b"\r\n" + name + b":")
    if not found:
        return None
    start = len(head) - len(rest)
    return head[start:].partition(b"\r\n")[0].strip()
