import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapidserve.api.parsers import StrictJSONParser, parse_json
from rapidserve.errors import BadRequest, TooLarge

numbers = st.integers(-(10**19), 10**19) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refusal(raw: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse_json(raw)
    return caught.value


@given(values, st.booleans(), st.sampled_from([None, 2]))
def test_what_json_can_say_is_read_as_json_loads_reads_it(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    try:
        raw = text.encode()
    except UnicodeEncodeError:  # lone surrogates can only be sent escaped
        raw = json.dumps(value).encode()

    assert parse_json(raw) == json.loads(raw)


@given(st.binary() | st.text(alphabet='{}[]",:\\0123456789.eE+-NaIfinty \n').map(str.encode))
def test_whatever_is_sent_is_read_as_json_loads_reads_it_or_refused(raw):
    try:
        value = parse_json(raw)
    except BadRequest:
        return

    assert value == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b"", 1, 1),
        (b"{nope}", 1, 2),
        (b'{\n  "a": 1,\n  "b" 2\n}', 3, 7),
        (b'{"a": 1} trailing', 1, 10),
        (b"\xef\xbb\xbf{}", 1, 1),
        (b'{"a": "line\nbreak"}', 1, 12),
        (b'{\n"a": "\xff"}', 2, 7),
        ('{"é": \ud800}'.encode("utf-8", "surrogatepass"), 1, 7),
        (b'{"a": NaN}', 1, 7),
        (b'{"a": -Infinity}', 1, 7),
        (b"[\n1e400]", 2, 1),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(raw, line, column):
    error = refusal(raw)

    assert error.code == "json_invalid"
    assert error.facts == {"line": line, "column": column}


def test_32_levels_are_read_and_the_33rd_is_refused():
    assert parse_json(b"[" * 32 + b"]" * 32)
    assert refusal(b"[" * 33 + b"]" * 33).code == "json_too_deep"


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_a_hundred_thousand_levels_are_refused_as_too_deep(bracket):
    error = refusal(bracket * 100_000)

    assert error.code == "json_too_deep"
    assert error.facts["limit"] == 32


def test_brackets_inside_strings_are_no_levels():
    assert parse_json(json.dumps({"a": '["\\' * 100}).encode()) == {"a": '["\\' * 100}


@pytest.mark.parametrize("sign", [b"", b"-"])
def test_integers_of_20_digits_are_read_and_longer_ones_refused(sign):
    assert parse_json(sign + b"1" * 20) == int(sign + b"1" * 20)
    assert refusal(sign + b"1" * 21).code == "number_out_of_range"
    assert refusal(sign + b"1" * 5000).code == "number_out_of_range"
    assert refusal(b'{"size": ' + sign + b"1" * 5000 + b".5}").code == "number_out_of_range"


def test_equal_keys_are_refused_at_any_depth_and_named():
    assert refusal(b'{"a": 1, "a": 1}').code == "json_duplicate_key"
    assert refusal(b'[{"b": {"size": 1, "size": 2}}]').field == "size"


def test_a_broken_duplicate_key_is_named_printably():
    field = refusal(rb'{"\ud800": 1, "\ud800": 2}').field

    assert field is not None
    assert field.encode() == b"?"


@pytest.mark.parametrize("unit", [b'"', b'\\"', b'"\\', b"[", b'"",', b"0", b"-", b"1e", b"\\"])
def test_a_megabyte_of_the_same_is_answered(unit):
    # Each of these once took a naive scanner quadratic time: this test would not end.
    with pytest.raises(BadRequest):
        parse_json(b'"' + unit * (2**20 // len(unit)))


def test_a_body_over_the_limit_is_refused_without_reading_it_all(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    parser = StrictJSONParser()
    endless = io.BytesIO(b" " * 1000)

    with pytest.raises(TooLarge) as caught:
        parser.parse(endless)

    assert caught.value.facts == {"limit": 10}
    assert endless.tell() == 11
    assert parser.parse(io.BytesIO(b'"12345678"')) == "12345678"
