"""`make run-scaled`: RapidServe as on several machines, all of them this one.

Starts a MongoDB replica set, Redis and two S3 servers on loopback, each unless the environment
names one, and runs the command with them. What they keep lies in the home, and is there the next
time.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from botocore.exceptions import ClientError
from pymongo.errors import OperationFailure

from tests.engines import redis, s3servers
from tests.engines.mongod import SET, Member, NoMongod, ReplicaSet
from tests.engines.ports import free_port

HOME = "var/scaled"
NODES = ("one", "two")
BUCKET = "rapidserve"


class CannotRun(Exception):
    """Something is not installed. The text says what, and how to get it."""


@contextmanager
def database(home: Path) -> Iterator[dict[str, str]]:
    """A replica set of one. Its port is in what it keeps: a set knows its members by address."""
    directory = home / "mongod"
    directory.mkdir(parents=True, exist_ok=True)
    facts = directory / "port.json"
    port = json.loads(facts.read_text()) if facts.exists() else free_port()
    facts.write_text(json.dumps(port))
    try:
        member = Member(directory / "data", "--replSet", SET, port=port)
        member.start()
    except NoMongod as error:
        raise CannotRun(f"{error} Or name one: RAPIDSERVE_DATABASE_URL.") from error
    replicas = ReplicaSet([member])
    try:
        with suppress(OperationFailure):  # it is one already
            replicas.initiate()
        replicas.primary()
        yield {"RAPIDSERVE_DATABASE_URL": replicas.url("rapidserve")}
    finally:
        member.stop()


@contextmanager
def queue(_home: Path) -> Iterator[dict[str, str]]:
    """A Redis that forgets: nothing in it is worth keeping."""
    if reason := redis.missing():
        raise CannotRun(f"No redis-server here: {reason}. Or name one: RAPIDSERVE_REDIS_URL.")
    with redis.redis_server() as server:
        yield {"RAPIDSERVE_REDIS_URL": server.url}


@contextmanager
def nodes(home: Path) -> Iterator[dict[str, str]]:
    """Two nodes, each a bucket on an S3 server of its own."""
    if reason := s3servers.missing():
        raise CannotRun(f"No S3 servers here: {reason}. Or name nodes: RAPIDSERVE_NODES.")
    first, second = (home / "nodes" / name for name in NODES)
    for directory in (first, second):
        directory.mkdir(parents=True, exist_ok=True)
    with s3servers.ministack(first) as one, s3servers.ministack(second) as two:
        for address in (one, two):
            with suppress(ClientError):  # it is there already
                s3servers.make_bucket(address, BUCKET)
        places = zip(NODES, (one, two), strict=True)
        yield s3servers.CREDENTIALS | {
            "RAPIDSERVE_NODES": ";".join(
                f"{name}=s3://{BUCKET}/chunks?endpoint={address}&region={s3servers.REGION}"
                for name, address in places
            )
        }


ENGINES = {
    "RAPIDSERVE_DATABASE_URL": database,
    "RAPIDSERVE_REDIS_URL": queue,
    "RAPIDSERVE_NODES": nodes,
}


@contextmanager
def engines(home: Path) -> Iterator[dict[str, str]]:
    """Their settings, while they run; nothing of what the environment names itself."""
    settings: dict[str, str] = {}
    with ExitStack() as stack:
        for name, engine in ENGINES.items():
            if not (os.environ.get(name) or os.environ.get(f"{name}_FILE")):
                settings |= stack.enter_context(engine(home))
        yield settings


def main(command: list[str]) -> int:
    home = Path(os.environ.get("RAPIDSERVE_HOME") or HOME).absolute()
    try:
        with engines(home) as settings:
            environment = os.environ | {"RAPIDSERVE_HOME": str(home)} | settings
            running = subprocess.Popen(command, env=environment)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command has it too, and ends
            signal.signal(signal.SIGTERM, lambda *_: running.terminate())
            return running.wait()
    except CannotRun as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
