"""Reading the project's Markdown: tables, code blocks, headings and links."""

import re
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent.parent

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PICTURE = re.compile(r'\b(?:src|srcset)="([^"\s]+)"')
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


def documents() -> list[Path]:
    """Every Markdown page that belongs to the project."""
    folders = ("*.md", "docs/**/*.md", "clients/*/*.md")
    return sorted(page for folder in folders for page in PROJECT.glob(folder))


def page(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def code_blocks(text: str, language: str) -> list[str]:
    return [body for found, body in _FENCE.findall(text) if found == language]


def table(text: str, first: str) -> list[list[str]]:
    """The rows of every table whose first column is headed `first`, as lists of cells."""
    rows: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == first:
            inside = True
        elif inside and set(line) - set("|- "):
            rows.append(cells)
    return rows


def code_in(cell: str) -> list[str]:
    """What stands in backquotes."""
    return _CODE.findall(cell)


def links(text: str) -> list[str]:
    prose = _FENCE.sub("", text)
    return _LINK.findall(prose) + _PICTURE.findall(prose)


def anchors(text: str) -> set[str]:
    """What headings can be linked to as: lower case, without punctuation, dashes for spaces."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }
