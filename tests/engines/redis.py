"""A real redis-server on loopback: Debian's package. It can be killed and started again."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest
from redis import Redis
from redis.exceptions import RedisError

from rapidserve import lifeline
from tests.engines.ports import free_port

PATIENCE = 30


def missing() -> str | None:
    """Why there is no redis-server here, or None."""
    found = shutil.which("redis-server")
    return None if found else "not installed (Debian: apt install redis-server)"


def require() -> None:
    """Without a redis-server a test is skipped and says so; in CI it fails."""
    why = missing()
    if why and os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"no Redis: {why}")
    if why:
        pytest.skip(f"no Redis: {why}")


class RedisServer:
    """Keeps nothing on disk: what is killed is forgotten."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"bind": "127.0.0.1", "port": str(self.port), "save": "", "appendonly": "no"}
        self._process = subprocess.Popen(
            ["redis-server", *(word for name in options for word in (f"--{name}", options[name]))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the server that needs it a moment longer
            preexec_fn=partial(lifeline.die_with, os.getpid()),  # noqa: PLW1509 - locks nothing
        )
        deadline = time.monotonic() + PATIENCE
        with Redis(port=self.port) as client:
            while time.monotonic() < deadline:
                with suppress(RedisError):
                    client.ping()
                    return
                time.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    require()
    server = RedisServer()
    server.start()
    try:
        yield server
    finally:
        server.kill()
