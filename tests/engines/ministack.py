"""A real S3 server on loopback that enforces checksums: MiniStack, out of .venv/ministack."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from rapidserve import lifeline
from tests.engines.ports import free_port

PROGRAM = Path(__file__).parents[2] / ".venv" / "ministack" / "bin" / "ministack"
PATIENCE = 60
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def missing() -> str | None:
    """Why there is no MiniStack here, or None."""
    return None if PROGRAM.exists() else "run `make .venv/ministack/installed`"


@contextmanager
def ministack(directory: Path) -> Iterator[str]:
    """Its address, while it runs. Objects lie in `directory`."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (directory / "ministack.log").open("ab") as output:
        process = subprocess.Popen(
            [str(PROGRAM)],
            env=os.environ
            | {
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(directory),
            },
            stdout=output,
            stderr=output,
            preexec_fn=partial(lifeline.die_with, os.getpid()),  # noqa: PLW1509 - locks nothing
        )
    try:
        _wait_until_it_answers(port, process)
        yield address
    finally:
        process.kill()
        process.wait()


def _wait_until_it_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "MiniStack ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
            return
        time.sleep(0.1)
    raise AssertionError("MiniStack did not start")
