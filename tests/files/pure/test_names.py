import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.names import MAX_NAME_BYTES, clean_name, name_key, numbered
from rapidserve.errors import Invalid


@pytest.mark.parametrize(
    "name",
    ["a", "notes.md", "東京 shoot", "é", "Budget Q4 – final (really).xlsx", ".hidden", "..hidden",
     "a" * 255, "é" * 127,
     "क्\u200dष", "👩\u200d👩\u200d👧", "a.", "CON", "nul.txt", "a:b", "100%", "...", "~", "#?&"],
)  # fmt: skip
def test_names_people_use_are_kept(name):
    assert clean_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", " a", "a ", "a/b", "a\\b", "/", "a\0", "a\r\nb", "\x07", "\x7f", "\x85",
     "a\u202efdp.exe", "\u2066a", "a\u200bb", "\u200ea", "\u200fa", "\ufeffa", "\u2060a", "\ud800",
     "a\udfff", "a" * 256, "é" * 128, "語" * 86],
)  # fmt: skip
def test_names_that_deceive_or_break_are_refused(name):
    with pytest.raises(Invalid) as refused:
        clean_name(name)
    assert refused.value.code == "name_invalid"
    assert refused.value.field == "name"
    assert refused.value.hint


def test_composed_and_decomposed_are_stored_alike():
    assert clean_name("e\u0301") == "\u00e9"


@pytest.mark.parametrize("name", ["CON", "nul.txt", "COM1", "lpt9.log", "a.", "a:b", "what?", "a*"])
def test_windows_names_can_be_refused(name):
    assert clean_name(name) == name
    with pytest.raises(Invalid):
        clean_name(name, refuse_windows_names=True)


@pytest.mark.parametrize("name", ["console", "a.b", "com10", "nullable.txt"])
def test_refusing_windows_names_refuses_no_others(name):
    assert clean_name(name, refuse_windows_names=True) == name


@pytest.mark.parametrize(
    ("one", "other"), [("README", "readme"), ("é", "É"), ("STRASSE", "straße"), ("e\u0301", "é")]
)
def test_case_and_composition_do_not_tell_names_apart(one, other):
    assert name_key(one) == name_key(other)


@given(st.text(min_size=1, max_size=300))
def test_whatever_is_accepted_is_stable_and_fits(name):
    try:
        cleaned = clean_name(name)
    except Invalid:
        return
    assert 1 <= len(cleaned.encode()) <= MAX_NAME_BYTES
    assert clean_name(cleaned) == cleaned
    assert name_key(cleaned) == name_key(name)


@given(st.text(min_size=1, max_size=255), st.integers(min_value=1, max_value=10**6))
def test_a_numbered_name_is_a_name(name, number):
    try:
        cleaned = clean_name(name)
    except Invalid:
        return
    made = numbered(cleaned, number)
    assert clean_name(made) == made
    assert f"({number})" in made


def test_the_number_goes_before_the_extension():
    assert numbered("report.pdf", 1) == "report (1).pdf"
    assert numbered("archive.tar.gz", 2) == "archive.tar (2).gz"
    assert numbered("Makefile", 3) == "Makefile (3)"
    assert numbered(".bashrc", 4) == ".bashrc (4)"
