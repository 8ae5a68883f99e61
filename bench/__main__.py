"""`make bench`: start the servers, measure them in turn, write docs/performance.md, clear up."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench import cases, machine, peers, report
from bench.load import Refused
from bench.measure import measure_all
from bench.peers import Peer
from bench.processes import NotStarted
from bench.rapidserve import PROJECT, RapidServe

COPYPARTY: Final = PROJECT / ".venv" / "bench" / "bin" / "python"
PAGE: Final = PROJECT / "docs" / "performance.md"
DISK_BYTES: Final = 14 * 10**9
"""What lies there at most: the standing files of three, and an upload."""


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else nobody would clear up
    try:
        figures = _run(options)
    except (machine.Missing, NotStarted, Refused) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(figures)
    if not options.quick:
        report.write(PAGE, figures)
        say(f"written to {PAGE.relative_to(PROJECT)}")
    return 0


def say(text: str) -> None:
    print(f"bench {time.strftime('%H:%M:%S')}: {text}", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is measured")
    parser.add_argument("--quick", action="store_true", help="a few MB: shows that it works")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1.")
    return options


def _run(options: argparse.Namespace) -> str:
    nginx, copyparty = machine.find_nginx(), machine.find_copyparty(COPYPARTY)
    scale = cases.QUICK if options.quick else cases.FULL
    with working_directory() as directory:
        if not options.quick:
            machine.require_space(directory, disk=DISK_BYTES)
        here = machine.describe(directory, nginx=nginx, copyparty=copyparty)
        with ExitStack() as running:
            say("starting the servers")
            servers = list(_start(running, directory, nginx, copyparty))
            work = cases.Cases(scale)
            say("putting the files that are fetched")
            for server in servers:
                work.put_standing(server)
            listed = work.all()
            results = measure_all(listed, servers, options.rounds, say)
        return report.render(here, listed, results, options.rounds)


def _start(running: ExitStack, directory: Path, nginx: str, copyparty: Path) -> Iterator[Peer]:
    """In the order of the tables. Stopped with the stack."""
    yield _stopped_with(running, peers.nginx(nginx, _made(directory / "nginx")))
    yield _stopped_with(running, peers.copyparty(copyparty, _made(directory / "copyparty")))
    for name, sealed in ((report.UNSEALED, False), (report.SEALED, True)):
        home = directory / ("sealed" if sealed else "unsealed")
        yield _stopped_with(running, RapidServe(name, home, sealed=sealed))


def _stopped_with(running: ExitStack, peer: Peer) -> Peer:
    running.callback(peer.tree.stop)
    return peer


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


@contextmanager
def working_directory() -> Iterator[Path]:
    """On the disk of the checkout: /tmp is memory on many machines, where syncing is free."""
    var = PROJECT / "var"
    var.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=var))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
