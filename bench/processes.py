"""Servers as trees of processes: started, waited for, measured, and stopped whatever happens."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

import psutil

START_SECONDS: Final = 60
STOP_SECONDS: Final = 15


class NotStarted(Exception):
    """A server that is needed did not come up; says where its last words are."""


class Tree:
    """A server's process and all that it started."""

    def __init__(self, command: Sequence[str], log: Path, environment: dict[str, str]) -> None:
        self._log = log
        self._output: IO[bytes] = log.open("ab")
        # A session of its own: Ctrl-C reaches the bench alone, which then stops the servers.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """NotStarted when the process ended, or took longer than a minute."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = self._log.read_text(errors="replace")[-800:]
                raise NotStarted(f"{' '.join(self._process.args)}\n{words}")  # type: ignore[arg-type]
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()

    def cpu_seconds(self) -> float:
        """User and system time of the whole tree so far, ended children included."""
        total = 0.0
        for process in self._members():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
        return total

    def pss_bytes(self) -> int:
        """Memory of the whole tree; what processes share is counted once."""
        total = 0
        for process in self._members():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().pss
        return total

    def _members(self) -> list[psutil.Process]:
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
