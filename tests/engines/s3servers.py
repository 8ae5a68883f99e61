"""Real S3 servers on loopback, out of .venv/s3servers. Each enforces something else.

MiniStack compares checksums with bytes, rclone does not, moto does not even look at signatures.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import boto3

from rapidserve import lifeline
from tests.engines.ports import free_port

PROGRAMS = Path(__file__).parents[2] / ".venv" / "s3servers" / "bin"
PATIENCE = 60
KEY, SECRET = "test:tester", "test-secret"  # Swift wants an account and a user in it
CREDENTIALS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
REGION = "us-east-1"


def missing() -> str | None:
    """Why there are no S3 servers here, or None."""
    there = (PROGRAMS / "ministack").exists()
    return None if there else "run `make .venv/s3servers/installed`"


@contextmanager
def ministack(directory: Path) -> Iterator[str]:
    """Its address, while it runs. Objects lie in `directory`."""
    port = free_port()
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(directory / "buckets"),
        **CREDENTIALS,  # the only ones with which it takes presigned addresses
    }
    with running(port, directory, ["ministack"], environment) as address:
        yield address


@contextmanager
def rclone(directory: Path, *, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """As `ministack`; over TLS with a certificate and its key."""
    port = free_port()
    (directory / "buckets").mkdir()
    command = ["rclone", "serve", "s3", "--config", str(directory / "none")]
    command += ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}"]
    if certificate:
        command += ["--cert", str(certificate[0]), "--key", str(certificate[1])]
    with running(port, directory, [*command, str(directory / "buckets")], {}) as address:
        yield address.replace("http:", "https:") if certificate else address


@contextmanager
def moto(directory: Path) -> Iterator[str]:
    """As `ministack`; keeps objects in memory."""
    port = free_port()
    command = ["moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with running(port, directory, command, {}) as address:
        yield address


def make_bucket(address: str, name: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket=name)


@contextmanager
def running(
    port: int, directory: Path, command: list[str], environment: dict[str, str]
) -> Iterator[str]:
    """A server's address, while it runs. Its log lies in `directory`."""
    log = directory / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(PROGRAMS / command[0]), *command[1:]],
            env=os.environ | environment,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the server that needs it a moment longer
            preexec_fn=partial(lifeline.die_with, os.getpid()),  # noqa: PLW1509 - locks nothing
        )
    try:
        _wait_until_it_listens(port, process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the S3 server ended: {log.read_text()[-500:]}"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
            return
        time.sleep(0.1)
    raise AssertionError("the S3 server did not start")
