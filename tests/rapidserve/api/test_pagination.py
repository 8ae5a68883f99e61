import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapidserve.api.pagination import decode_cursor, encode_cursor, parse_limit
from rapidserve.errors import BadRequest, Invalid


@given(st.integers())
def test_a_limit_is_clamped_to_1_to_1000(number):
    assert parse_limit(str(number)) == max(1, min(number, 1000))


def test_a_limit_of_any_length_is_clamped():
    assert parse_limit("9" * 10_000) == 1000
    assert parse_limit("-" + "9" * 10_000) == 1
    assert parse_limit("+7") == 7


def test_without_a_limit_a_page_has_100():
    assert parse_limit(None) == 100


@pytest.mark.parametrize(
    "text", ["", "abc", "1.5", "1e3", " 5", "0x10", "٣", "--1", "1_000", "NaN"]
)
def test_a_limit_that_is_no_number_is_refused(text):
    with pytest.raises(Invalid) as caught:
        parse_limit(text)

    assert (caught.value.code, caught.value.field) == ("limit_invalid", "limit")


@given(st.lists(st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))))
def test_a_cursor_gives_back_what_it_was_made_of(values):
    assert decode_cursor("people", encode_cursor("people", values)) == values


def test_a_cursor_does_not_say_what_it_was_made_of():
    cursor = encode_cursor("search", ["topsecret"])

    assert b"topsecret" not in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    with pytest.raises(BadRequest):
        decode_cursor("people", cursor)


@given(st.data())
def test_a_cursor_with_one_character_altered_is_refused(data):
    cursor = encode_cursor("people", ["bob"])
    position = data.draw(st.integers(0, len(cursor) - 1))
    replacement = data.draw(st.characters(codec="utf-8").filter(lambda c: c != cursor[position]))

    with pytest.raises(BadRequest) as caught:
        decode_cursor("people", cursor[:position] + replacement + cursor[position + 1 :])

    assert caught.value.code == "cursor_invalid"


@pytest.mark.parametrize("text", ["", ":", "latest", "a:b:c", "\0", "." * 100_000])
def test_a_cursor_that_was_never_ours_is_refused(text):
    with pytest.raises(BadRequest):
        decode_cursor("people", text)


def test_a_cursor_of_another_list_is_refused():
    with pytest.raises(BadRequest):
        decode_cursor("tokens", encode_cursor("people", ["bob"]))
