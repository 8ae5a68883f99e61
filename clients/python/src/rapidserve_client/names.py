"""Names: which may become files here, which mean the same there, and how to show any of them.

A server is not trusted with where things are written. A name from it is used only when it is
harmless on every system, so that a downloaded tree can be carried to any of them.
"""

import hashlib
import re
import unicodedata
from typing import Final

from rapidserve_client.errors import Unsafe

MAX_NAME_BYTES: Final = 255
PART_SUFFIX: Final = ".rapidserve-part"
"""Ends the names of unfinished downloads. A file of that name would be taken for one."""

# Direction marks and invisible characters let "exe.txt" be shown as "txt.exe".
_INVISIBLE = "\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_DECEIVING = re.compile(f"[{_INVISIBLE}]")
_UNPRINTABLE = re.compile(f"[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029{_INVISIBLE}\ud800-\udfff]")
_WINDOWS_DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?",
    re.IGNORECASE | re.DOTALL,
)


def check_safe(name: str) -> None:
    """Unsafe, saying why, unless a file of this name can be written and stays in its folder."""
    if why := _danger(name):
        raise Unsafe(f"This name is not written to disk: {why}.")


def _danger(name: str) -> str | None:
    if name in {"", ".", ".."}:
        return "it means a folder"
    if any(character in name for character in "/\\"):
        return "it holds a character that separates folders"
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        return "it holds a control character or half a character"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME_BYTES} bytes"
    if _DECEIVING.search(name):
        return "it holds an invisible character"
    return _danger_elsewhere(name)


def _danger_elsewhere(name: str) -> str | None:
    if ":" in name:
        return "it holds “:”, which means a drive or a hidden stream on Windows"
    if name[-1] in ". ":
        return "it ends with a dot or a space, which Windows drops"
    if _WINDOWS_DEVICES.fullmatch(name):
        return "it is a device on Windows"
    if name.endswith(PART_SUFFIX):
        return "it is that of an unfinished download"
    return None


def name_key(name: str) -> str:
    """Names with the same key are the same name to the server: case and composition don't count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def part_name(name: str) -> str:
    """Where a download of `name` grows until it is whole; the same each time, so it can go on."""
    long = f".{name}{PART_SUFFIX}"
    if len(long.encode(errors="surrogateescape")) <= MAX_NAME_BYTES:
        return long
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    return f".{digest[:32]}{PART_SUFFIX}"


def printable(text: str) -> str:
    """`text` with escapes in place of whatever could move the cursor or deceive the eye."""
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - two digits or four
