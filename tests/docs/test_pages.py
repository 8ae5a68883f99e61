"""Every page holds together: its links lead somewhere, and it fits every reader's machine."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import PROJECT, anchors, documents, links

# A home or a checkout of whoever wrote it; paths that a reader is to choose are not among them.
SOMEBODYS_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work|tmp)/")


def name_of(document: Path) -> str:
    return str(document.relative_to(PROJECT))


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_links_lead_to_pages_and_headings_that_exist(document: Path) -> None:
    broken = [
        link
        for link in links(document.read_text(encoding="utf-8"))
        if not link.startswith("https://") and not leads_somewhere(document, link)
    ]

    assert broken == []


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_no_page_names_a_path_of_somebodys_machine(document: Path) -> None:
    assert SOMEBODYS_PATH.findall(document.read_text(encoding="utf-8")) == []


def leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text(encoding="utf-8"))
