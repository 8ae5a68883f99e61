"""/health/live: the process answers. /health/ready: it can do its work."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)

Check = Callable[[], str | None]  # what is wrong, in a few words that anybody may read; or nothing

PATIENCE_SECONDS = 5.0
FRESH_SECONDS = 1.0
NO_ANSWER = "no answer in time"


class Readiness:
    """Asks the parts this process depends on, at most once a second however many ask us.

    The checks block (a database, a disk), so they run on a thread of their own: neither the event
    loop nor a full pool of pages can hold them up, and a hanging disk is reported, not waited for.
    """

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")
        self._running: asyncio.Future[dict[str, str]] | None = None
        self._known: dict[str, str] = {}
        self._known_at = float("-inf")

    async def report(self) -> dict[str, str]:
        """Part -> "ok" or what is wrong with it."""
        if time.monotonic() - self._known_at < FRESH_SECONDS:
            return self._known
        if self._running is None or self._running.done():
            loop = asyncio.get_running_loop()
            self._running = loop.run_in_executor(self._thread, self._ask_all)
        try:
            known = await asyncio.wait_for(asyncio.shield(self._running), PATIENCE_SECONDS)
        except TimeoutError:
            return dict.fromkeys(self._checks, NO_ANSWER)
        self._known, self._known_at = known, time.monotonic()
        return known

    def _ask_all(self) -> dict[str, str]:
        return {part: self._ask(part, check) for part, check in self._checks.items()}

    def _ask(self, part: str, check: Check) -> str:
        try:
            return check() or "ok"
        except Exception:
            # Whatever broke, the answer is "not ready"; the log says why.
            log.exception("The check of %s failed.", part)
            return "failed"
