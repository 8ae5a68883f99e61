"""A real OpenID provider on loopback: oidc-provider of npm, run by Node.js."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2
import pytest

from rapidserve import lifeline
from tests.engines.ports import free_port

PROJECT = Path(__file__).resolve().parent.parent.parent
CLIENT = "rapidserve"
SECRET = "between us"


def missing() -> str | None:
    """Why there is no provider here, or None."""
    if not shutil.which("node"):
        return "Node.js is not installed"
    there = (PROJECT / "node_modules" / "oidc-provider").is_dir()
    return None if there else "oidc-provider is not installed (npm ci)"


def require() -> None:
    """Without it a test is skipped and says so; in CI it fails."""
    why = missing()
    if why and os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"no OpenID provider: {why}")
    if why:
        pytest.skip(f"no OpenID provider: {why}")


@contextmanager
def provider(callback: str) -> Iterator[str]:
    """Its issuer, an address, while it runs."""
    port = free_port()
    process = subprocess.Popen(
        ["node", "tests/engines/identity.mjs"],
        cwd=PROJECT,
        env={**os.environ, "PORT": str(port), "CALLBACK": callback},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=partial(lifeline.die_with, os.getpid()),  # noqa: PLW1509 - locks nothing
    )
    try:
        assert process.stdout
        assert any("ready" in line for line in process.stdout)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def sign_in_there(address: str, name: str, *, refuse: bool = False) -> str:
    """What a person does in a browser at the provider: the address they are sent back to."""
    with httpx2.Client() as browser:
        page = browser.get(address, follow_redirects=True)
        if refuse:
            abort = re.search(r'href="([^"]+/abort)"', page.text)
            assert abort, page.text
            return _back(browser, browser.get(abort[1]))
        for answers in ({"prompt": "login", "login": name, "password": "x"}, {"prompt": "consent"}):
            form = re.search(r'<form[^>]*action="([^"]+)"', page.text)
            assert form, page.text
            page = browser.post(form[1], data=answers)
            back = _back(browser, page)
            if "/callback" in back:
                return back
            page = browser.get(back, follow_redirects=True)
    raise AssertionError("the provider sent nobody back")


def _back(browser: httpx2.Client, answer: httpx2.Response) -> str:
    """Follows redirects up to the one that leads away from the provider, or to its next page."""
    while answer.is_redirect:
        address = str(answer.url.join(answer.headers["Location"]))
        if "/callback" in address or "/interaction/" in address:
            return address
        answer = browser.get(address)
    return str(answer.url)
