import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.ranges import ByteRange, parse_range
from rapidserve.errors import RangeUnsatisfiable

numbers = st.integers(min_value=0, max_value=40)


@given(size=st.integers(min_value=1, max_value=30), first=numbers, last=numbers)
def test_first_and_last_select_what_a_slice_selects(size, first, last):
    content = bytes(range(size))
    expected = content[first : last + 1]
    if not expected:
        with pytest.raises(RangeUnsatisfiable):
            parse_range(f"bytes={first}-{last}", size)
        return
    found = parse_range(f"bytes={first}-{last}", size)
    assert content[found.start : found.start + found.length] == expected


@given(size=st.integers(min_value=1, max_value=30), count=st.integers(min_value=1, max_value=40))
def test_a_suffix_selects_the_end(size, count):
    content = bytes(range(size))
    found = parse_range(f"bytes=-{count}", size)
    assert content[found.start :] == content[-count:]
    assert found.start + found.length == size


@given(size=st.integers(min_value=1, max_value=30), first=numbers)
def test_an_open_range_runs_to_the_end(size, first):
    if first >= size:
        with pytest.raises(RangeUnsatisfiable):
            parse_range(f"bytes={first}-", size)
    else:
        assert parse_range(f"bytes={first}-", size) == ByteRange(first, size - first)


@pytest.mark.parametrize("header", [None, "", "lines=1-2", "items=0-", "  "])
def test_other_units_are_ignored(header):
    assert parse_range(header, 10) is None


@pytest.mark.parametrize(
    "header",
    ["bytes=5-2", "bytes=-0", "bytes=10-", "bytes=0-0,1-1", "bytes=", "bytes=-", "bytes=a-b",
     "bytes=1", "bytes=--1", "bytes=٣-٤", "bytes", "bytes=0-0," * 1000, "bytes=" + "9" * 30 + "-"],
)  # fmt: skip
def test_what_cannot_be_served_says_the_size(header):
    with pytest.raises(RangeUnsatisfiable) as refused:
        parse_range(header, 10)
    assert refused.value.facts == {"size": 10}


def test_an_empty_file_has_no_range():
    with pytest.raises(RangeUnsatisfiable):
        parse_range("bytes=0-", 0)
    with pytest.raises(RangeUnsatisfiable):
        parse_range("bytes=-5", 0)


def test_the_answers_header_counts_to_the_last_byte():
    assert ByteRange(2, 3).content_range(10) == "bytes 2-4/10"
