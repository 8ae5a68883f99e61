"""Typed readers of the environment that refuse nonsense. Pure.

Every reader names the variable in its error, so a bad setting is one clear line at start.
"""

import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit


class SettingError(ValueError):
    """A variable holds something that can't be meant. The text is one line, fit to print."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def integer(name: str, default: int, *, least: int = 0, most: int = 2**63 - 1) -> int:
    raw = text(name)
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise SettingError(f"{name} must be a whole number, not {raw[:40]!r}.") from None
    if not least <= value <= most:
        raise SettingError(f"{name} must be between {least} and {most}, not {value}.")
    return value


def boolean(name: str, *, default: bool) -> bool:
    raw = text(name).lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise SettingError(f"{name} must be true or false, not {raw[:40]!r}.")


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise SettingError(f"{name} must be one of {', '.join(allowed)}, not {value[:40]!r}.")
    return value


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """A comma-separated list."""
    raw = text(name)
    return [word.strip() for word in raw.split(",") if word.strip()] if raw else list(default)


def path(name: str, default: Path) -> Path:
    """An absolute path; `~` and relative paths are resolved once, here."""
    try:
        value = Path(text(name) or default).expanduser().absolute()
        str(value).encode()
    except (RuntimeError, UnicodeEncodeError):  # nobody's home; bytes that are no UTF-8
        raise SettingError(f"{name} is not a path that can be used.") from None
    return value


def url(name: str, default: str) -> SplitResult:
    """The parts of a URL, its port a number that can be."""
    try:
        value = urlsplit(text(name, default))
        _ = value.port
    except ValueError:
        raise SettingError(f"{name} is not a URL.") from None
    return value


def secret(name: str) -> str | None:
    """`NAME`, or the content of the file `NAME_FILE` points to (Docker, systemd)."""
    if value := text(name):
        return value
    source = text(f"{name}_FILE")
    if not source:
        return None
    try:
        value = Path(source).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{name}_FILE can't be read: {error}.") from error
    if not value:
        raise SettingError(f"{name}_FILE is empty.")
    return value


def secret_url(name: str, schemes: tuple[str, ...]) -> str | None:
    """As `secret`, an address with one of the schemes and a host. No error shows its password."""
    value = secret(name)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise SettingError(f"{name} is not a URL.") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise SettingError(f"{name} must look like {schemes[0]}://host:port/….")
    return value


def child_environment(**changes: str) -> dict[str, str]:
    """A copy of this process's environment for a process we start."""
    return {**os.environ, **changes}


def origins(public: SplitResult, hosts: Iterable[str]) -> list[str]:
    """Scheme, host and port of pages that these hosts serve, beside a public address, as browsers
    name it (RFC 6454). No wildcards; loopback only where the public address is one."""
    default = {"http": 80, "https": 443}[public.scheme]
    port = f":{public.port}" if public.port not in {None, default} else ""
    loopback = {"127.0.0.1", "localhost", "[::1]"}
    named = [host.lower() for host in hosts if not host.startswith((".", "*"))]
    if named[0] not in loopback:
        named = [host for host in named if host not in loopback]
    return [f"{public.scheme}://{host}{port}" for host in dict.fromkeys(named)]


def is_loopback(host: str) -> bool:
    """Whether what is sent there leaves this machine never, so that nobody on the way reads it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
