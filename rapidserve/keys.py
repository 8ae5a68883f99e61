"""The two secrets of an installation: Django's signing key and the ring of master keys. Pure.

Both come from the environment (or `*_FILE`), else from files under `$RAPIDSERVE_HOME/keys`, mode
0600, that the first `manage.py serve` makes. They are read here and nowhere else.
"""

import base64
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from rapidserve import env

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key that wraps the data keys of chunks. `id` is stored beside what it wrapped."""

    id: str
    value: bytes = field(repr=False)  # or it would stand in a traceback one day


def secret_key(home: Path) -> str:
    """Django's SECRET_KEY. Before the first start: a random one that signs nothing that lasts."""
    known = env.secret("RAPIDSERVE_SECRET_KEY") or _read(home, "secret_key")
    return known or secrets.token_urlsafe(48)


def master_keys(home: Path) -> tuple[MasterKey, ...]:
    """The ring, newest first. Empty before the first start, and when the file was lost."""
    raw = env.secret("RAPIDSERVE_MASTER_KEYS") or _read(home, "master_keys") or ""
    return tuple(_master_key(line) for line in re.split(r"[,\s]+", raw) if line)


def fernet_key(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose, made of a secret that has several (https://github.com/fernet/spec)."""
    return base64.urlsafe_b64encode(hmac.digest(secret, f"rapidserve {purpose}".encode(), "sha256"))


def missing_key_files(home: Path) -> list[Path]:
    """Key files that neither the environment nor the disk provides."""
    wanted = {"secret_key": "RAPIDSERVE_SECRET_KEY", "master_keys": "RAPIDSERVE_MASTER_KEYS"}
    return [
        _file(home, name)
        for name, variable in wanted.items()
        if not env.secret(variable) and not _file(home, name).exists()
    ]


def create_key_files(home: Path) -> list[Path]:
    """Make the key files that are missing and say which. Only for an installation without data:
    a new master key in place of a lost one would not open a single chunk."""
    made = missing_key_files(home)
    for file in made:
        new = secrets.token_urlsafe(48) if file.name == "secret_key" else _new_master_key()
        _write_private(file, new + "\n")
    return made


def _file(home: Path, name: str) -> Path:
    return home / "keys" / name


def _read(home: Path, name: str) -> str | None:
    try:
        content = _file(home, name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise env.SettingError(f"{_file(home, name)} can't be read: {error}.") from error
    if not content:
        # Taken for absent, it would give every process a signing key of its own.
        raise env.SettingError(f"The key file {_file(home, name)} is empty.")
    return content


def _write_private(file: Path, content: str) -> None:
    """Durable before anything is sealed with it: a key lost to a power cut loses every chunk."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.rename(file)
    for directory in (file.parent, file.parent.parent):  # the name, and the name of its directory
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _new_master_key() -> str:
    value = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return f"k{secrets.token_hex(4)}:{value}"


def _master_key(line: str) -> MasterKey:
    identifier, _, encoded = line.partition(":")
    try:
        value = base64.b64decode(encoded, validate=True)
    except ValueError:  # not base64, or not even ASCII
        value = b""
    if not re.fullmatch(r"[a-z0-9]{1,16}", identifier) or len(value) != KEY_BYTES:
        raise env.SettingError(
            "RAPIDSERVE_MASTER_KEYS must be name:base64 of 32 bytes each, newest first."
        )
    return MasterKey(identifier, value)
