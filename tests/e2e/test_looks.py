"""Every named state of the pages: inside the screen at every width, and usable for everybody."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import PROJECT, launch
from tests.e2e.looks.demo import furnish
from tests.e2e.looks.staging import DESK, OFFERS, PHONE, Theatre
from tests.e2e.looks.states import STATES

pytestmark = pytest.mark.e2e

AXE = PROJECT / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (320, 360, 390, 480, 600, 767, 768, 820, 1023, 1024, 1280, 1440)
LEVELS = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}  # all that another theme changes
# What is laid over the page and must not hang out of it either: that would not make it any wider.
LAID_OVER = "dialog[open], details[open] > .menu-panel, .tray, .toasts > *, .selection"

STICKING_OUT = """overlays => {
  const wide = document.documentElement.scrollWidth > innerWidth ? ["the page"] : [];
  const out = [...document.querySelectorAll(overlays)].filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    return left < 0 || right > innerWidth + 0.5 || element.scrollWidth > element.clientWidth;
  });
  return [...wide, ...out.map((element) => element.className || element.tagName)];
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's source. Without it these tests are left out and say so; in CI they fail."""
    if AXE.exists():
        return AXE.read_text(encoding="utf-8")
    missing = "axe-core is not installed (`make node_modules/installed` needs Node.js and npm)"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="module")
def theatre(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    server = launch(tmp_path_factory.mktemp("looks") / "home", **OFFERS)
    try:
        server.wait_until_ready()
        yield Theatre(browser, server.url, furnish(server))
    finally:
        server.kill()


@pytest.mark.parametrize("name", STATES)
def test_a_state_fits_every_screen_and_is_accessible(theatre, axe, name):
    with theatre.put_on(name, **DESK) as visitor:
        page = visitor.page
        problems = [f"light: {each}" for each in violations(page, axe, LEVELS)]
        page.emulate_media(color_scheme="dark")
        problems += [f"dark: {each}" for each in violations(page, axe, CONTRAST)]
        page.set_viewport_size(PHONE["viewport"])
        problems += [f"narrow: {each}" for each in violations(page, axe, LEVELS)]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            out = page.evaluate(STICKING_OUT, LAID_OVER)
            problems += [f"{width} px: {what} sticks out" for what in out]

    assert problems == []


def violations(page: Page, axe: str, rules: dict[str, Any]) -> list[str]:
    """What axe-core finds, each with the first places where it does."""
    page.evaluate(axe)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes'][:3]]}"
        for each in found["violations"]
    ]
