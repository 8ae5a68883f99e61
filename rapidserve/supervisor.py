"""Keeps the web server and the job worker running, and stops both with itself. Pure.

`manage.py serve` and `work` replace themselves with this process once everything is prepared, so
that no Django stays in memory only to watch. The lock on `$RAPIDSERVE_HOME/serve.lock` comes along
as an open file descriptor that nobody here touches: it is released when this process is gone,
however it ends.

    supervisor
     |-- rapidserve.web      granian's main process, which forks RAPIDSERVE_WORKERS workers
     '-- rapidserve.worker   background jobs

Either child can be left out, so that each part runs on as many machines as it needs.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import FrameType

from rapidserve import env, lifeline

PROJECT = Path(__file__).resolve().parent.parent

QUICK_SECONDS = 10.0  # a child that lived longer than this did not fail at start
MOST_QUICK_FAILURES = 5
LONGEST_PAUSE_SECONDS = 8.0
STOP_SECONDS = 9.0  # granian gives its workers 7 of them
WATCHED = (".py", ".html")
UNWATCHED = {".git", ".venv", "var", "node_modules", "__pycache__"}


# glibc's allocator left to itself keeps what a busy hour took. Few arenas, what is large given back
# at once, and the blocks that files stream through kept at hand: fresh pages for each would take a
# tenth of the time of an upload.
MALLOC = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(2**22),
    "MALLOC_TRIM_THRESHOLD_": str(2**24),
}


class Child:
    """One process that has to run, and how its last runs ended."""

    def __init__(self, title: str, module: str) -> None:
        self.title = title
        self.module = module
        self.failures = 0  # quick ones, in a row
        self.start_at = 0.0
        self.started_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.started_at = time.monotonic()
        # A session of its own: Ctrl-C in a terminal reaches the supervisor alone, which then stops
        # its children in good order instead of racing with them.
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-P", "-m", self.module],
            env=env.child_environment(PYTHONPATH=str(PROJECT), **MALLOC),
            start_new_session=True,
            preexec_fn=partial(lifeline.die_with, os.getpid()),  # noqa: PLW1509 - no threads here
        )

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, signum: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(signum)

    def note_end(self) -> None:
        """Count a quick failure, or forget the old ones; set when to start again."""
        code = self.process.returncode if self.process is not None else None
        self.process = None
        quick = time.monotonic() - self.started_at < QUICK_SECONDS
        self.failures = self.failures + 1 if quick else 0
        pause = min(0.25 * 2**self.failures, LONGEST_PAUSE_SECONDS) if quick else 0.0
        self.start_at = time.monotonic() + pause
        say(f"{self.title} ended ({ending(code)}); starting it again.")

    def start_afresh(self) -> None:
        self.process = None
        self.failures = 0
        self.start_at = 0.0


class Supervisor:
    """`address` and `port` are where the web server listens; both children read the settings."""

    def __init__(
        self,
        address: str,
        port: int,
        *,
        reload: bool = False,
        web: bool = True,
        worker: bool = True,
    ) -> None:
        self.address = address
        self.port = port
        self.reload = reload
        self.web = web
        self.children = [
            *([Child("The web server", "rapidserve.web")] if web else []),
            *([Child("The job worker", "rapidserve.worker")] if worker else []),
        ]
        self.signals: list[int] = []
        self.announced = False
        self.sources = newest_change(PROJECT) if reload else 0.0

    def run(self) -> int:
        """Until SIGTERM, SIGINT or SIGHUP (0), or until a child can't be kept running (1)."""
        wakeup = self._listen_for_signals()
        while True:
            self._start_due()
            wait(wakeup, 1.0 if self.announced else 0.1)
            if self.signals:
                self._stop(wakeup)
                return 0
            failed = self._note_ended()
            if failed is not None:
                say(f"{failed.title} can't be kept running. The lines above say why. Stopping.")
                self._stop(wakeup)
                return 1
            self._announce()
            self._reload_when_changed(wakeup)

    def _listen_for_signals(self) -> socket.socket:
        """A socket that turns readable with every signal: waiting and noticing can't race."""
        reading, writing = socket.socketpair()
        reading.setblocking(False)  # noqa: FBT003 - its only parameter
        writing.setblocking(False)  # noqa: FBT003 - likewise
        signal.set_wakeup_fd(writing.detach(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._remember)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup means: stay
            signal.signal(signal.SIGHUP, self._remember)
        return reading

    def _remember(self, signum: int, _frame: FrameType | None) -> None:
        self.signals.append(signum)

    def _start_due(self) -> None:
        for child in self.children:
            if child.process is None and child.start_at <= time.monotonic():
                child.start()

    def _note_ended(self) -> Child | None:
        """The child that failed too often, if any."""
        for child in self.children:
            if child.process is not None and not child.running():
                child.note_end()
                if child.failures > MOST_QUICK_FAILURES and not self.reload:
                    return child
        return None

    def _announce(self) -> None:
        """Say once that the server answers. Programs wait for this very line."""
        if self.announced:
            return
        if not self.web:
            self.announced = True
            print("RapidServe's job worker has been started.", flush=True)  # noqa: T201 - likewise
        elif ready(self.address, self.port):
            self.announced = True
            print(  # noqa: T201 - the line people wait for
                f"RapidServe is ready at http://{in_url(reachable(self.address))}:{self.port}",
                flush=True,
            )

    def _reload_when_changed(self, wakeup: socket.socket) -> None:
        if not self.reload:
            return
        newest = newest_change(PROJECT)
        if newest != self.sources:
            self.sources = newest
            say("The code changed; starting again.")
            self._stop(wakeup)
            for child in self.children:
                child.start_afresh()

    def _stop(self, wakeup: socket.socket) -> None:
        """Let the children finish what they are at; kill them after a while or at a second signal.

        A killed web server takes its workers along (rapidserve.lifeline).
        """
        heard = max(len(self.signals), 1)
        for child in self.children:
            child.send(signal.SIGINT)  # for granian and huey alike: stop in good order
        deadline = time.monotonic() + STOP_SECONDS
        while self._any_running():
            if len(self.signals) > heard:
                self._kill("told to stop twice")
            elif time.monotonic() > deadline:
                self._kill("it did not stop in time")
            else:
                wait(wakeup, 0.1)

    def _any_running(self) -> bool:
        return any(child.running() for child in self.children)

    def _kill(self, why: str) -> None:
        for child in self.children:
            if child.process is not None and child.running():
                say(f"Killing: {child.title} ({why}).")
                child.process.kill()
                child.process.wait()


def wait(wakeup: socket.socket, seconds: float) -> None:
    select.select([wakeup], [], [], seconds)
    with contextlib.suppress(BlockingIOError):
        wakeup.recv(4096)


def ready(address: str, port: int) -> bool:
    """Whether /health/ready answers 200. By hand: http.client would be most of our memory."""
    request = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((reachable(address), port), timeout=2) as connection:
            connection.sendall(request)
            return connection.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def reachable(address: str) -> str:
    """An address to connect to, for one to listen at: "everywhere" is no place to go to."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - read, not bound


def in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def newest_change(project: Path) -> float:
    """When the youngest source file was changed, in seconds."""
    newest = 0.0
    for folder, folders, names in os.walk(project):
        folders[:] = [name for name in folders if name not in UNWATCHED]
        for name in names:
            if name.endswith(WATCHED):
                with contextlib.suppress(FileNotFoundError):
                    newest = max(newest, Path(folder, name).stat().st_mtime)
    return newest


def ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by signal {-code}"
    return f"exit code {code}"


def say(text: str) -> None:
    print(f"rapidserve: {text}", file=sys.stderr, flush=True)  # noqa: T201 - no logging set up here


def main() -> int:
    address, port, *options = sys.argv[1:]
    code = Supervisor(
        address,
        int(port),
        reload="--reload" in options,
        web="--without-web" not in options,
        worker="--without-worker" not in options,
    ).run()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Python gives the signals back to the kernel before it is gone: one more would turn an
        # orderly end into a death.
        signal.signal(signum, signal.SIG_IGN)
    return code


if __name__ == "__main__":
    sys.exit(main())
