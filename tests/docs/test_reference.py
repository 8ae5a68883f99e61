"""What the documents list is what the code has: neither more nor less."""

import re
from typing import Any

import pytest
from django.core.management import get_commands
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from tests.docs import source
from tests.docs.markdown import PROJECT, code_in, page, table

METHODS = ("get", "post", "put", "patch", "delete")


def documented(name: str, first: str) -> list[str]:
    """What the first column of a table names."""
    return [word for row in table(page(name), first) for word in code_in(row[0])]


def test_the_readme_lists_exactly_the_variables_that_are_read() -> None:
    listed = documented("README.md", "Variable")

    assert sorted(listed) == sorted(source.variables())


def test_the_readme_gives_the_defaults_that_hold() -> None:
    told = {code_in(name)[0]: code_in(default) for name, default, _ in readme_variables()}

    plain = {name: value for name, value in source.variables().items() if value is not None}
    assert {name: told[name][:1] for name in plain} == {name: [plain[name]] for name in plain}
    assert len(plain) >= 10


def readme_variables() -> list[list[str]]:
    return table(page("README.md"), "Variable")


def test_the_api_page_lists_exactly_the_error_codes_with_their_statuses() -> None:
    rows = table(page("docs/api.md"), "Code")
    listed = {code_in(code)[0]: set(map(int, status.split(","))) for code, status, *_ in rows}

    assert listed == source.error_codes()
    assert len(listed) == len(rows), "a code is listed twice"


def test_no_error_is_raised_under_the_name_of_its_family() -> None:
    assert source.unnamed_families() == []


def test_the_readme_lists_all_our_commands_and_none_that_is_not_there() -> None:
    listed = {entry.split()[0] for entry in documented("README.md", "Command")}

    assert source.commands() <= listed
    assert listed <= set(get_commands())


@pytest.mark.parametrize("name", ["requirements.in", "requirements-dev.in"])
def test_every_package_has_its_reason(name: str) -> None:
    listed = {row[0] for row in table(page("docs/dependencies.md"), "Package")}

    assert source.requirements(name) <= listed


def test_every_npm_package_has_its_reason() -> None:
    listed = {row[0] for row in table(page("docs/dependencies.md"), "Package")}

    assert source.npm_packages() <= listed


def test_no_reason_is_given_for_a_package_that_is_not_there() -> None:
    listed = {row[0] for row in table(page("docs/dependencies.md"), "Package")}

    wanted = source.requirements("requirements.in") | source.requirements("requirements-dev.in")
    assert listed <= wanted | source.npm_packages()


def test_the_design_page_explains_every_crash_point() -> None:
    explained = documented("docs/design.md", "Killed at")

    assert sorted(explained) == sorted(source.crash_points())


def test_every_decision_is_in_the_list_of_decisions() -> None:
    listed = re.findall(r"\((\d{4}-[^)]+\.md)\)", page("docs/adr/README.md"))
    there = [path.name for path in PROJECT.glob("docs/adr/[0-9]*.md")]

    assert sorted(listed) == sorted(there)


def test_the_api_page_lists_exactly_the_calls_of_the_api() -> None:
    calls = re.findall(r"\b(GET|POST|PUT|PATCH|DELETE) (/api/[^\s`?]*)", page("docs/api.md"))
    listed = {(method, re.sub(r"\{[^}]*\}", "{}", path)) for method, path in calls}

    assert listed == set(api_calls())


def api_calls() -> list[tuple[str, str]]:
    """(method, path) of every API view; parts that vary are `{}`."""
    return [
        (method.upper(), re.sub(r"<[^>]*>", "{}", f"/{path}"))
        for path, view in views(get_resolver().url_patterns, "")
        if issubclass(view, APIView) and view.__module__.startswith(source.SHIPPED)
        for method in METHODS
        if hasattr(view, method)
    ]


def views(patterns: list[URLPattern | URLResolver], above: str) -> list[tuple[str, type[Any]]]:
    found = []
    for pattern in patterns:
        path = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += views(pattern.url_patterns, path)
        elif view := getattr(pattern.callback, "view_class", None):
            found.append((path, view))
    return found
