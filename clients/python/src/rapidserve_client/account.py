"""`rapidserve login` and `logout`: a password for a token, and the token back."""

import getpass
import platform
import sys
from contextlib import suppress

from rapidserve_client.answers import Login
from rapidserve_client.connection import Connection
from rapidserve_client.credentials import Book, Kept, address_of, warn_if_exposed
from rapidserve_client.errors import ClientError, NotSignedIn, UsageError
from rapidserve_client.names import printable
from rapidserve_client.patience import Halt
from rapidserve_client.server import Server


def log_in(url: str, username: str | None, halt: Halt, *, password_from_stdin: bool) -> str:
    """Sign in, keep the token, and say so. A token kept before is revoked: nobody needs two."""
    address = address_of(url)
    warn_if_exposed(address)
    book = Book.read()
    username, password = _asked(username, password_from_stdin=password_from_stdin)
    made = _signed_in(_server(address, None, halt), username, password)
    before = book.servers.get(address)
    book.servers[address] = Kept(made.token, made.token_id, made.username)
    book.current = address
    book.write()
    if before:
        with suppress(ClientError):  # it ends by itself
            _server(address, before.token, halt).revoke(before.token_id)
    return f"Signed in to {address} as {printable(made.username)}."


def log_out(server: str | None, halt: Halt) -> str:
    """Revoke the token and forget it. It is forgotten also when the server can't be asked."""
    book = Book.read()
    address = address_of(server) if server else book.current
    kept = book.servers.pop(address, None)
    if not kept:
        raise NotSignedIn("Not signed in.")
    if book.current == address:
        book.current = next(iter(book.servers), "")
    book.write()
    try:
        _server(address, kept.token, halt).revoke(kept.token_id)
    except ClientError as error:
        return (
            f"Signed out of {address} here. The server was not told, and the token ends by itself:"
            f" {printable(error.message)}"
        )
    return f"Signed out of {address}."


def _server(address: str, token: str | None, halt: Halt) -> Server:
    return Server(Connection(address, token, halt, parallel=1))


def _signed_in(server: Server, username: str, password: str) -> Login:
    """Whoever has a second step is asked for its code."""
    name = f"rapidserve on {_host()}"
    try:
        return server.sign_in(username, password, name)
    except NotSignedIn as error:
        if error.code != "code_needed" or not sys.stdin.isatty():
            raise
    return server.sign_in(username, password, name, getpass.getpass("Code: ").strip())


def _asked(username: str | None, *, password_from_stdin: bool) -> tuple[str, str]:
    if password_from_stdin:
        if not username:
            raise UsageError("--password-stdin needs --username as well.")
        return username, sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on: use --username and --password-stdin.")
    if not username:
        print("User name: ", end="", file=sys.stderr, flush=True)
        username = sys.stdin.readline().strip()
    return username, getpass.getpass("Password: ")


def _host() -> str:
    return platform.node()[:60] or "a computer"
