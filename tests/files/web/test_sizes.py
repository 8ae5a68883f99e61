"""Sizes in words."""

import pytest

from files.templatetags.sizes import size_text


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (None, ""),
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1 KB"),
        (4200, "4.1 KB"),
        (319_488, "312 KB"),
        (8_808_038, "8.4 MB"),
        (15_623_782, "14.9 MB"),
        (2_480_343_613, "2.31 GB"),
        (137_438_953_472, "128 GB"),
        (2**60, "1024 PB"),
    ],
)
def test_as_many_digits_as_tell_something(count, expected):
    assert size_text(count) == expected.replace(" ", "\xa0")
