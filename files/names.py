"""Names of files and folders: what is allowed, what counts as the same, how to make one free. Pure.

The rules are those of the protocol: 1-255 bytes of UTF-8 after NFC, no separators, no control or
invisible characters that make one name look like another, unique in a folder ignoring case.
"""

import re
import unicodedata

from rapidserve.errors import Invalid

MAX_NAME_BYTES = 255
MAX_DEPTH = 100
MAX_PATH_BYTES = 4096

# Direction marks and invisible characters let "exe.txt" be shown as "txt.exe".
_INVISIBLE = {0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF}
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_WINDOWS_FORBIDDEN = set('<>:"|?*')
# Accents of Latin, Greek and Cyrillic letters. The marks of other scripts are letters' business.
_ACCENTS = re.compile("[\u0300-\u036f]")


def clean_name(raw: str, *, refuse_windows_names: bool = False) -> str:
    """The name in NFC, or Invalid(name_invalid) with a hint that says what to change."""
    if len(raw) > 4 * MAX_NAME_BYTES:  # before normalising: that takes time on megabytes
        raise _refuse(f"it is far too long; {MAX_NAME_BYTES} bytes are allowed")
    try:
        encoded = (name := unicodedata.normalize("NFC", raw)).encode()
    except UnicodeEncodeError:
        raise _refuse("it holds half of a surrogate pair") from None
    if not encoded:
        raise _refuse("it is empty")
    if len(encoded) > MAX_NAME_BYTES:
        raise _refuse(f"it takes {len(encoded)} bytes; {MAX_NAME_BYTES} are allowed")
    if name in {".", ".."}:
        raise _refuse("“.” and “..” mean folders")
    if name != name.strip():
        raise _refuse("it begins or ends with a space")
    for character in name:
        _check_character(character)
    if refuse_windows_names:
        _check_windows(name)
    return name


def name_key(name: str) -> str:
    """Names with the same key are the same name: case and composition don't tell them apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def search_key(text: str) -> str:
    """What a search compares: neither case nor accents nor a wide or joined form tell names apart,
    so that `resume` finds `Résumé`. Wider than `name_key`: two names in a folder may share it.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", folded))


def keys_of(name: str) -> dict[str, str]:
    """The columns of an entry that follow from its name, and the name itself."""
    return {"name": name, "name_key": name_key(name), "search_key": search_key(name)}


def numbered(name: str, number: int) -> str:
    """`report.pdf` -> `report (1).pdf`, still within 255 bytes."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > 32:  # noqa: PLR2004 - no file type is that long
        stem, dot, extension = name, "", ""
    tail = f" ({number}){dot}{extension}"
    room = MAX_NAME_BYTES - len(tail.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip() + tail


def _check_character(character: str) -> None:
    code = ord(character)
    if character in "/\\":
        raise _refuse(f"it holds “{character}”, which separates folders")
    if unicodedata.category(character) == "Cc":
        raise _refuse(f"it holds the control character U+{code:04X}")
    if code in _INVISIBLE:
        raise _refuse(f"it holds the invisible character U+{code:04X}")


def _check_windows(name: str) -> None:
    if _WINDOWS_DEVICES.fullmatch(name):
        raise _refuse("Windows keeps it for a device")
    if name.endswith("."):
        raise _refuse("Windows drops the dot at the end")
    for character in sorted(_WINDOWS_FORBIDDEN & set(name)):
        raise _refuse(f"Windows does not allow “{character}”")


def _refuse(why: str) -> Invalid:
    return Invalid(
        f"This name can't be used: {why}.",
        code="name_invalid",
        field="name",
        hint=f"Change it: {why}.",
    )
