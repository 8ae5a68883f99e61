"""Others' work that is served as it is: whole, licensed, and what was published."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.docs.markdown import PROJECT, code_in, table

LIBRARIES = sorted(folder for folder in (PROJECT / "static/vendor").iterdir() if folder.is_dir())


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_every_file_is_the_one_that_was_published(library: Path) -> None:
    listed = {
        code_in(name)[0]: code_in(digest)[0] for name, digest in table(readme(library), "File")
    }

    there = {
        str(file.relative_to(library)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in library.rglob("*")
        if file.is_file() and file.name != "README.md"
    }
    assert there == listed


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_every_library_comes_with_its_licence_and_its_version(library: Path) -> None:
    assert list(library.glob("LICENSE*"))
    assert re.search(r"\bVersion \d+\.\d+", readme(library))


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((PROJECT / "package-lock.json").read_text(encoding="utf-8"))

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    fetched = [package for name, package in lock["packages"].items() if name]
    assert [p for p in fetched if "integrity" not in p and not p.get("inBundle")] == []


def readme(library: Path) -> str:
    return (library / "README.md").read_text(encoding="utf-8")
