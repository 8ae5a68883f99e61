"""A server that speaks the protocol and means harm. No real one would answer like this."""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

CONTENT = b"evil"
DIGEST = hashlib.sha256(CONTENT)
CONTENT_HASH = hashlib.sha256(DIGEST.digest()).hexdigest()


def entry(name: str, kind: str = "file", **changes: Any) -> dict[str, Any]:
    is_file = kind == "file"
    return {
        "id": f"id of {name}",
        "type": kind,
        "name": name,
        "size": len(CONTENT) if is_file else None,
        "content_hash": CONTENT_HASH if is_file else None,
        "version": "v1" if is_file else None,
        "modified_at": "2026-03-01T09:30:00Z",
        **changes,
    }


@dataclass
class Impostor:
    """`children`: entries by the id of their folder; the top's is `top`. `answers`: what else is
    answered, by path: (status, headers, JSON or bytes).
    """

    children: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, tuple[int, dict[str, str], Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"impostor": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str) -> tuple[int, dict[str, str], Any]:
        if path in self.answers:
            return self.answers[path]
        match path.split("/")[1:]:
            case ["api", "spaces"]:
                space = {
                    "id": "s",
                    "name": "mine",
                    "kind": "personal",
                    "root": "top",
                    "role": "owner",
                }
                return 200, {}, {"results": [space], "next": None}
            case ["api", "files", folder, "children"]:
                return 200, {}, {"results": self.children.get(unquote(folder), []), "next": None}
            case ["api", "download", _]:
                return 200, {}, self._manifest() | self.manifest
            case ["d", "chunk"]:
                return 200, {}, CONTENT
        return 404, {}, {"error": {"code": "not_found", "message": "Nothing there."}}

    def _manifest(self) -> dict[str, Any]:
        chunk = {
            "index": 0,
            "sha256": DIGEST.hexdigest(),
            "size": len(CONTENT),
            "url": f"{self.url}/d/chunk",
        }
        return {
            "file_id": "f",
            "version_id": "v1",
            "name": "x",
            "size": len(CONTENT),
            "content_hash": CONTENT_HASH,
            "chunk_size": 4 * 2**20,
            "chunks": [chunk],
            "next": None,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    impostor: Impostor

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        self.impostor.asked.append((self.command, path, dict(self.headers)))
        status, headers, body = self.impostor.answer(path)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass
