"""Which names are written to disk, and how any name is shown."""

import pytest

from rapidserve_client.errors import Unsafe
from rapidserve_client.names import check_safe, name_key, part_name, printable


@pytest.mark.parametrize(
    "name",
    [
        *("a.txt", ".hidden", "...a", "naïve – ü.txt", "конфиг", "console.txt", "nullable"),
        *("com.txt", "auxiliary", "com10", "-rf", "~", "a b", "%2e%2e%2fx", "a\u200db"),
        *("x" * 255, "ü" * 127),
    ],
)
def test_ordinary_names_are_written(name: str) -> None:
    check_safe(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "means a folder"),
        (".", "means a folder"),
        ("..", "means a folder"),
        ("../x", "separates folders"),
        ("/etc/passwd", "separates folders"),
        ("a\\b", "separates folders"),
        ("a\x00b", "control character"),
        ("a\x9bb", "control character"),
        ("\udcff", "half a character"),
        ("x" * 256, "longer than 255"),
        ("ü" * 128, "longer than 255"),
        ("exe\u202etxt", "invisible"),
        ("C:x", "drive or a hidden stream"),
        ("a:b", "drive or a hidden stream"),
        ("a.", "ends with a dot"),
        ("a ", "ends with a dot or a space"),
        ("CON", "device"),
        ("con.txt", "device"),
        ("nul.tar.gz", "device"),
        ("nul .txt", "device"),
        ("COM¹", "device"),
        ("conout$", "device"),
        (".a.rapidserve-part", "unfinished download"),
    ],
)
def test_dangerous_names_are_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(Unsafe, match=why):
        check_safe(name)


def test_case_and_composition_do_not_tell_names_apart() -> None:
    assert name_key("U\u0308BER") == name_key("über")
    assert name_key("Straße") == name_key("STRASSE")
    assert name_key("a") != name_key("b")


@pytest.mark.parametrize("name", ["a.txt", "x" * 255, "ü" * 127, "not UTF-8: \udcff"])
def test_an_unfinished_file_has_a_name_that_fits_and_stays(name: str) -> None:
    part = part_name(name)

    assert part == part_name(name)
    assert part.startswith(".")
    assert part.endswith(".rapidserve-part")
    assert len(part.encode(errors="surrogateescape")) <= 255


def test_unfinished_files_of_two_long_names_are_two() -> None:
    assert part_name("x" * 254 + "a") != part_name("x" * 254 + "b")


def test_what_moves_the_cursor_is_shown_as_an_escape() -> None:
    assert printable("a\x1b[2J\r\n\u202eb\udcffü") == "a\\x1b[2J\\x0d\\x0a\\u202eb\\udcffü"
