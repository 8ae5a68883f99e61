"""An OpenID provider on loopback that answers what a test tells it to, as one that was misled, or
written badly, would. A real one is in `identity`."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

CLIENT = "rapidserve"


@dataclass
class Puppet:
    """Says of carol what a good provider would, until `claims`, `userinfo` or `token` are changed.
    A claim that is `...` is left out."""

    issuer: str = ""
    nonce: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: Any = None
    token: Any = None
    endpoints: dict[str, str] = field(default_factory=dict)

    def is_asked(self, address: str) -> str:
        """What a browser is sent there with; the state that it is to bring back."""
        asked = parse_qs(urlsplit(address).query)
        self.nonce = asked["nonce"][0]
        return asked["state"][0]

    def answer(self, path: str) -> Any:
        return {
            "/.well-known/openid-configuration": self._configuration,
            "/token": self._token,
            "/me": self._userinfo,
        }[path]()

    def _configuration(self) -> Any:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/me",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.endpoints,
        }

    def _token(self) -> Any:
        if isinstance(self.token, bytes | list | str):
            return self.token
        good = {"access_token": "a", "token_type": "Bearer", "id_token": self._id_token()}
        return _without_gaps({**good, **(self.token or {})})

    def _id_token(self) -> str:
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "subject of carol",
            "iat": now,
            "exp": now + 600,
            "nonce": self.nonce,
        }
        claims = json.dumps(_without_gaps({**good, **self.claims})).encode()
        return jwt.api_jws.encode(claims, "only for tests, of enough letters")

    def _userinfo(self) -> Any:
        if self.userinfo is not None and not isinstance(self.userinfo, dict):
            return self.userinfo
        good = {
            "sub": self.claims.get("sub", "subject of carol"),
            "name": "Carol",
            "preferred_username": "carol",
            "email": "carol@example.org",
            "email_verified": True,
        }
        return _without_gaps({**good, **(self.userinfo or {})})


def _without_gaps(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value is not ...}


@contextmanager
def puppet() -> Iterator[Puppet]:
    told = Puppet()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = told.answer(self.path)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
