"""`make bench-databases`: what the control side costs on MongoDB beside SQLite, in one run.

For each database a server of its own, all else the same: chunks unsealed in directories. Needs
RAPIDSERVE_DATABASE_URL, the address of a MongoDB database that may be filled.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from typing import Final, TypeVar
from urllib.parse import urlsplit

from bench import load
from bench.__main__ import say, working_directory
from bench.contents import CHUNK_SIZE, Source
from bench.processes import NotStarted
from bench.rapidserve import RapidServe, new_installation

T = TypeVar("T")

CHUNKS: Final = 100
CONNECTIONS: Final = 8
WARM_UP: Final = 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.databases", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured")
    rounds = parser.parse_args().rounds
    url = os.environ.get("RAPIDSERVE_DATABASE_URL", "")  # noqa: TID251 - set by the make target
    if not url.startswith("mongodb"):
        sys.exit("bench: RAPIDSERVE_DATABASE_URL must be the address of a MongoDB.")
    try:
        seconds = _measure(url, rounds)
        found = _inside(url, "lookups")
        pages = _inside(url, "listing")
    except (NotStarted, load.Refused) as error:
        sys.exit(f"bench: {error}")
    print(_rendered(seconds, rounds))
    for name, figures in found.items():
        print(
            f"{name}: {figures['hashes']:.0f} ms to ask the database about 10,000 hashes,"
            f" {figures['whole']:.0f} ms until their chunks are found whole on the disk, too"
        )
    for name, figures in pages.items():
        print(
            f"{name}: {figures['page']:.0f} ms for the first page of 10,000 entries, mixed rights"
        )
    return 0


def _inside(url: str, module: str) -> dict[str, dict[str, float]]:
    """Milliseconds by database, from bench.lookups or bench.listing."""
    other = urlsplit(url)
    found = {}
    with working_directory() as directory:
        for name, settings in (
            ("SQLite", {}),
            ("MongoDB", {"RAPIDSERVE_DATABASE_URL": other._replace(path=f"/{module}").geturl()}),
        ):
            say(f"{module} on {name}")
            asked = subprocess.run(
                [sys.executable, "-m", f"bench.{module}"],
                env=new_installation(directory / name.lower()) | settings,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            found[name] = json.loads(asked.stdout)
    return found


def _measure(url: str, rounds: int) -> dict[str, list[float]]:
    """Seconds for registering and completing one file, by database, a value a round."""
    source, folders = Source(), map("measured-{}".format, count())
    with working_directory() as directory, ExitStack() as running:
        servers = {}
        for name, settings in (("SQLite", {}), ("MongoDB", {"RAPIDSERVE_DATABASE_URL": url})):
            say(f"starting a server on {name}")
            home = directory / name.lower()
            servers[name] = RapidServe(name, home, sealed=False, settings=settings)
            running.callback(servers[name].tree.stop)
        seconds: dict[str, list[float]] = {name: [] for name in servers}
        for number in range(WARM_UP + rounds):
            for name, server in servers.items():
                file = source.file(next(folders), "file", CHUNKS * CHUNK_SIZE)
                puts, registering = _timed(partial(server.put_chunks, file))
                load.run(server.port, puts, CONNECTIONS)
                _, completing = _timed(partial(server.finish_chunks, file))
                server.remove(file.folder)
                if number >= WARM_UP:
                    seconds[name].append(registering + completing)
            say(f"round {number} of {rounds}")
        return seconds


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = call()
    return result, time.perf_counter() - began


def _rendered(seconds: dict[str, list[float]], rounds: int) -> str:
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    lines = [
        f"{name}: {1000 * median:.0f} ms to register and complete a file of {CHUNKS} chunks"
        f" (median of {rounds}; {1000 * min(seconds[name]):.0f} to {1000 * max(seconds[name]):.0f})"
        for name, median in medians.items()
    ]
    ratio = medians["MongoDB"] / medians["SQLite"]
    return "\n".join([*lines, f"MongoDB takes {ratio:.2f} times as long as SQLite."])


if __name__ == "__main__":
    sys.exit(main())
