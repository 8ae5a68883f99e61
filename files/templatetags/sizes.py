"""Sizes in the words of the pages. static/js/sizes.js says the same."""

from typing import Final

from django import template

register = template.Library()

_UNITS: Final = ("KB", "MB", "GB", "TB", "PB")
_STEP: Final = 1024


@register.filter
def size_text(count: int | None) -> str:
    """Such as 312 KB, 8.4 MB, 2.31 GB: as many digits as tell something. 1 KB is 1,024 bytes."""
    if count is None:
        return ""
    if count < _STEP:
        return f"{count}\xa0B"
    value, unit = float(count), -1
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    number = f"{value:.{_decimals(value, unit)}f}"
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return f"{number}\xa0{_UNITS[unit]}"


def _decimals(value: float, unit: int) -> int:
    if value >= 100:  # noqa: PLR2004 - three digits stand before the point already
        return 0
    return 2 if value < 10 and _UNITS[unit] not in {"KB", "MB"} else 1  # noqa: PLR2004 - one digit
