"""`make screenshots`: every named state as a picture, on a desk and on a phone, in both themes."""

import logging
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import PROJECT, Server, find_chromium, launch
from tests.e2e.looks.demo import furnish
from tests.e2e.looks.staging import DEVICES, OFFERS, THEMES, Theatre
from tests.e2e.looks.states import STATES
from tests.e2e.visitor import FLAGS

OUT: Final = PROJECT / "var" / "screenshots"


def take_pictures(names: list[str]) -> None:
    """Of these states, or of all, into var/screenshots."""
    if unknown := set(names) - set(STATES):
        sys.exit(f"No such state: {', '.join(unknown)}. There are: {', '.join(STATES)}.")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # else it tells every request
    with tempfile.TemporaryDirectory() as scratch:
        server = launch(Path(scratch) / "home", **OFFERS)
        try:
            server.wait_until_ready()
            take_all(server, names or list(STATES))
        finally:
            server.kill()


def take_all(server: Server, names: list[str]) -> None:
    chromium = find_chromium()
    if not chromium:
        sys.exit("A Chromium is needed (Debian: apt install chromium).")
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        theatre = Theatre(browser, server.url, furnish(server))
        for name in names:
            for device, options in DEVICES.items():
                with theatre.put_on(name, **options) as visitor:
                    take(visitor.page, f"{name}-{device}")
            sys.stdout.write(f"{name}\n")
        browser.close()


def take(page: Page, name: str) -> None:
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(200)  # the tray paints its strips anew, ten times a second at most
        page.screenshot(path=OUT / f"{name}-{theme}.png")
