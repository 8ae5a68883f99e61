"""Puts states on: each on a page of its own, signed in, in a browser of a desk or of a phone."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, StorageState

from tests.e2e.looks.demo import Demo
from tests.e2e.looks.states import STATES, Stage
from tests.e2e.visitor import Visitor, visit

DESK: Final[dict[str, Any]] = {"viewport": {"width": 1440, "height": 900}}
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
DEVICES: Final = {"desk": DESK, "phone": PHONE}
# What the pages of signing in have to offer. Nothing of it is ever reached.
OFFERS: Final = {
    "RAPIDSERVE_SMTP_URL": "smtp://127.0.0.1:9",
    "RAPIDSERVE_OIDC_ISSUER": "http://127.0.0.1:9",
    "RAPIDSERVE_OIDC_NAME": "Example ID",
    "RAPIDSERVE_OIDC_CLIENT_ID": "rapidserve",
}
THEMES: Final = ("light", "dark")
READER: Final[dict[str, Any]] = {"locale": "en-GB", "timezone_id": "UTC"}


class Theatre:
    """A browser and an installation with something to show."""

    def __init__(self, browser: Browser, url: str, demo: Demo) -> None:
        self._browser = browser
        self._url = url
        self._demo = demo
        first = visit(browser, url)
        self._signed_in: StorageState = first.context.storage_state()
        first.context.close()

    @contextmanager
    def put_on(self, name: str, **device: Any) -> Iterator[Visitor]:
        """The state `name`. Nothing that its page did may have been refused by the browser."""
        context = self._browser.new_context(
            storage_state=self._signed_in, reduced_motion="reduce", **READER, **device
        )
        visitor = Visitor(context, context.new_page(), self._url)
        visitor.listen()
        with tempfile.TemporaryDirectory() as disk:
            STATES[name](Stage(visitor, self._demo, Path(disk)))
            visitor.page.evaluate("() => document.fonts.ready")
            yield visitor
            context.unroute_all(behavior="ignoreErrors")  # some are never answered
            visitor.page.unroute_all(behavior="ignoreErrors")
            context.close()
        assert visitor.complaints == []
