"""Which server, and as whom: from the environment, else from what `rapidserve login` kept."""

import ipaddress
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from rapidserve_client.errors import LocalTrouble, NotSignedIn, UsageError

URL: Final = "RAPIDSERVE_URL"
TOKEN: Final = "RAPIDSERVE_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a login."""

    token: str
    token_id: str
    username: str


@dataclass(frozen=True, slots=True)
class Access:
    """A server's address, without a slash at its end, and the token for it."""

    address: str
    token: str


def address_of(text: str) -> str:
    """A server's address as it is kept and used. UsageError when it can't be one."""
    try:
        parts = urlsplit(text.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise UsageError(f"“{text}” is not an address.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"“{text}” is not an address like https://files.example.com.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("Give the address alone, without a name, a password or a query.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def is_exposed(address: str) -> bool:
    """Whether the token would cross a network unencrypted."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        stays_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        stays_here = host == "localhost"
    return parts.scheme == "http" and not stays_here


def access(server: str | None) -> Access:
    """For the server of `--server`, of RAPIDSERVE_URL, or of the last login. NotSignedIn."""
    chosen = server or os.environ.get(URL)
    token = os.environ.get(TOKEN)
    if token and not chosen:
        raise UsageError(f"{TOKEN} is set. Say in {URL} which server it is for.")
    book = Book.read()
    address = address_of(chosen) if chosen else book.current
    if token:
        warn_if_exposed(address)  # nobody was told at a login
        return Access(address, token)
    kept = book.servers.get(address)
    if not kept:
        raise NotSignedIn(f"Not signed in. Run: rapidserve login {address or 'ADDRESS'}")
    return Access(address, kept.token)


def warn_if_exposed(address: str) -> None:
    if is_exposed(address):
        print("Warning: without https, everybody on the way can read the token.", file=sys.stderr)


@dataclass
class Book:
    """The kept logins by address; `current` is the address of the last one, or empty."""

    current: str
    servers: dict[str, Kept]

    @classmethod
    def read(cls) -> "Book":
        """LocalTrouble when the file can't be read."""
        path = _path()
        try:
            return cls._parsed(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls("", {})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LocalTrouble(f"{path} is damaged. Delete it, and log in again.") from error
        except OSError as error:
            raise LocalTrouble(f"{path}: {LocalTrouble.of(error)}") from error

    @classmethod
    def _parsed(cls, content: Mapping[str, Any]) -> "Book":
        servers = {str(address): Kept(**kept) for address, kept in content["servers"].items()}
        return cls(str(content["current"]), servers)

    def write(self) -> None:
        """For this user's eyes only, from the first byte on; whole or not at all."""
        path = _path()
        content = {
            "current": self.current,
            "servers": {address: asdict(kept) for address, kept in self.servers.items()},
        }
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd, temporary = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
            try:
                with os.fdopen(fd, "w", encoding="utf-8") as file:
                    json.dump(content, file, indent=2)
                Path(temporary).replace(path)
            except BaseException:
                with suppress(OSError):
                    Path(temporary).unlink()
                raise
        except OSError as error:
            raise LocalTrouble(f"{path}: {LocalTrouble.of(error)}") from error


def _path() -> Path:
    """As the XDG base directory specification has it; relative values are to be ignored."""
    home = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    base = home if home.is_absolute() else Path.home() / ".config"
    return base / "rapidserve" / "logins.json"
