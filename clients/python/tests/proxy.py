"""Something between a client and a server: counts, alters, holds up, or cuts what passes.

The server builds addresses on the host it was asked at, so chunks come through here as well.
"""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

PUT_CHUNK = ("PUT", "/d/upload/")
GET_CHUNK = ("GET", "/d/chunk/")
PACK = ("POST", "/api/upload/pack")
PATIENCE = 60.0
_HOP = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


@dataclass(frozen=True)
class Passed:
    """A request that was answered, and its answer."""

    method: str
    path: str
    headers: dict[str, str]
    status: int

    def is_a(self, kind: tuple[str, str]) -> bool:
        return self.method == kind[0] and self.path.startswith(kind[1])


class Proxy:
    def __init__(self, upstream: int) -> None:
        self.passed: list[Passed] = []
        self.alter: Callable[[str, str, bytes], bytes] = lambda _method, _path, body: body
        self.alter_sent: Callable[[str, bytes], bytes] = lambda _method, body: body
        self.answer: Callable[[str, str], tuple[int, bytes] | None] = lambda _method, _path: None
        self._upstream = upstream
        self._held: tuple[tuple[str, str], int] | None = None
        self._going = threading.Event()
        self._lock = threading.Lock()
        self._begun = self._under_way = 0
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def hold_after(self, kind: tuple[str, str], count: int) -> None:
        """Let so many requests of a kind pass from now on; the next ones wait for `let_go`."""
        self._going.clear()
        self._begun = 0
        self._held = (kind, count)

    def let_go(self) -> None:
        self._held = None
        self._going.set()

    def count(self, kind: tuple[str, str]) -> int:
        """Requests of a kind that the server answered well."""
        return sum(one.is_a(kind) and one.status < 300 for one in self.passed)

    def waits(self, method: str, path: str) -> None:
        """Called before a request is passed on."""
        with self._lock:
            if not self._held or not (
                method == self._held[0][0] and path.startswith(self._held[0][1])
            ):
                return
            self._begun += 1
            mine = self._begun
            most = self._held[1]
        if mine > most:
            self._going.wait(PATIENCE)

    def pass_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._upstream, timeout=PATIENCE)
        try:
            self._change_under_way(1)
            sent = self.alter_sent(method, body)
            connection.request(method, path, sent or None, headers)
            answer = connection.getresponse()
            content = self.alter(method, path, answer.read())
            self.passed.append(Passed(method, path, headers, answer.status))
            return answer.status, dict(answer.getheaders()), content
        finally:
            self._change_under_way(-1)
            connection.close()

    @property
    def at_rest(self) -> bool:
        """Whether no request is between client and server."""
        return self._under_way == 0

    def _change_under_way(self, change: int) -> None:
        with self._lock:
            self._under_way += change


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        made_up = self.proxy.answer(self.command, self.path)
        if made_up:
            self._send(made_up[0], {"Content-Type": "application/json"}, made_up[1])
            return
        self.proxy.waits(self.command, self.path)
        try:
            status, headers, content = self.proxy.pass_on(
                self.command, self.path, dict(self.headers), body
            )
            self._send(status, headers, content)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # the server is gone, or the client is

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass

    def log_message(self, format: str, *args: object) -> None:
        pass
