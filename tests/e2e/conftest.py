"""The real server, as a person would start it: `manage.py serve` in a process tree of its own."""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import httpx2
import psutil
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.cast import OWNER, PASSWORD
from tests.e2e.visitor import FLAGS, Visitor, visit
from tests.engines.databases import environment_of
from tests.engines.ports import free_port

T = TypeVar("T")
PROJECT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 120.0  # how long anything may take before a test gives up on it; nothing waits that long


def eventually(what: Callable[[], T], why: str) -> T:
    """The first true value of `what`. Fails, naming `why`, when it never comes."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := what():
            return value
        time.sleep(0.05)
    pytest.fail(f"Never happened: {why}")


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment without what the tests' own settings put there, and for a home its
    database."""
    ours = ("RAPIDSERVE_", "DJANGO_", "RS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    home = changes.get("RAPIDSERVE_HOME")
    return {**kept, **(environment_of(home) if home else {}), **changes}


def run_serve(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py serve` to its end; for starts that are refused."""
    return run_manage(home, "serve", **environment)


def run_manage(home: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One management command on an installation, to its end."""
    defaults = {"RAPIDSERVE_HOME": str(home), "RAPIDSERVE_PORT": str(free_port())}
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=PROJECT,
        env=clean_environment(**(defaults | environment)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@dataclasses.dataclass
class Server:
    """One running `serve`. `mark` is in the environment of every process it ever started."""

    process: subprocess.Popen[bytes]
    home: Path
    port: int
    mark: str
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tree(self) -> list[psutil.Process]:
        """Every living process of this server, also those that lost their parent."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and process.environ().get("RAPIDSERVE_TEST_MARK") == self.mark
        except psutil.Error:
            return False

    def web(self) -> psutil.Process:
        """granian's main process."""
        return self._child("rapidserve.web")

    def job_worker(self) -> psutil.Process:
        return self._child("rapidserve.worker")

    def workers(self) -> list[psutil.Process]:
        return self.web().children()

    def _child(self, module: str) -> psutil.Process:
        def find() -> psutil.Process | None:
            for process in psutil.Process(self.pid).children():
                try:
                    if module in process.cmdline():
                        return process
                except psutil.Error:
                    continue
            return None

        return eventually(find, f"{module} runs")

    def pss(self) -> dict[str, int]:
        """Bytes of memory, shared pages counted by share, of each process and in total."""
        sizes = {
            f"{' '.join(process.cmdline()[-3:])} [{process.pid}]": process.memory_full_info().pss
            for process in self.tree()
        }
        return {**sizes, "total": sum(sizes.values())}

    def is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False

    def wait_until_ready(self) -> None:
        def answers_or_ended() -> bool:
            return self.process.poll() is not None or (
                "RapidServe is ready at" in self.output() and self.is_ready()
            )

        eventually(answers_or_ended, f"the server is ready\n{self.output()}")
        assert self.process.poll() is None, f"serve ended:\n{self.output()}"

    def stop(self) -> int:
        """SIGTERM, as systemd and Docker do. The exit code; nothing may be left."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self.must_be_gone()
        return code

    def must_be_gone(self) -> None:
        eventually(lambda: not self.tree(), f"no process is left: {self.tree()}")

    def kill(self) -> None:
        for process in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):  # it died with the one before
                process.kill()
        self.process.wait(PATIENCE)


SERVE = (sys.executable, "manage.py", "serve")


def launch(home: Path, command: Sequence[str] = SERVE, **environment: str) -> Server:
    port = int(environment.pop("RAPIDSERVE_PORT", "") or free_port())
    mark = uuid.uuid4().hex
    log = home.parent / f"{home.name}-{mark[:8]}.log"
    defaults = {
        "RAPIDSERVE_HOME": str(home),
        "RAPIDSERVE_PORT": str(port),
        "RAPIDSERVE_OWNER": OWNER,
        "RAPIDSERVE_OWNER_PASSWORD": PASSWORD,
        "RAPIDSERVE_TEST_MARK": mark,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=clean_environment(**(defaults | environment)),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Server(process, home, port, mark, log)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it running."""
    running = launch(tmp_path_factory.mktemp("server") / "home")
    try:
        running.wait_until_ready()
        yield running
        assert running.stop() == 0
    finally:
        running.kill()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers of a test's own, by default on one home; kills what is left at the end."""
    started: list[Server] = []

    def start(home: Path = tmp_path / "home", **environment: str) -> Server:
        running = launch(home, **environment)
        started.append(running)
        running.wait_until_ready()
        return running

    yield start
    for running in started:
        running.kill()


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium. Without one its tests are skipped and say so; in CI they fail."""
    if path := find_chromium():
        return path
    missing = "no Chromium on this machine (Debian: apt install chromium)"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def alice(browser: Browser, server: Server) -> Iterator[Visitor]:
    visitor = visit(browser, server.url)
    yield visitor
    visitor.context.close()
    assert visitor.complaints == []
