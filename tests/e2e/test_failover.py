"""A replica set of three loses its primary twice under load: by stepping down, and by kill -9.

What was acknowledged is there, once; what was refused was refused with 503, and went through later.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from pymongo.errors import PyMongoError

from tests.crash.client import Program
from tests.e2e.conftest import launch, run_manage
from tests.engines.mongod import ReplicaSet, replica_set
from tests.engines.undo import ON_MONGODB
from tests.world import sha256

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not ON_MONGODB, reason="asks MongoDB: the second run of `make test`"),
]

CLIENTS = 4
CALM_SECONDS = 4  # before, between and after the two losses
PATIENCE_SECONDS = 60


class Client:
    """Uploads one small file after another under names of its own, and never gives one up."""

    def __init__(self, number: int, url: str, token: str) -> None:
        self.acknowledged: dict[str, tuple[str, str]] = {}  # name: id and SHA-256 of the file
        self.statuses: set[int] = set()
        self._number = number
        self._program = Program(url, token)

    def run(self, stop: threading.Event) -> None:
        made = 0
        while not stop.is_set():
            made += 1
            name = f"file {self._number}.{made}"
            data = name.encode() * 100
            self.acknowledged[name] = self._until_it_works(name, data), sha256(data)

    def _until_it_works(self, name: str, data: bytes) -> str:
        """`fail`: a second file under the name would be refused, one that was taken back made."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._program.upload(name, data, on_conflict="fail")
            except AssertionError:
                found = self._stored_under(name)
                if found:
                    return found
                assert time.monotonic() < deadline, f"{name} could not be stored"
            time.sleep(0.1)

    def _stored_under(self, name: str) -> str | None:
        """Its id when the answer of a complete was lost, and the file is there all the same."""
        answer = self._program.http.get("/api/search", params={"q": name})
        self.statuses.add(answer.status_code)
        found = answer.json().get("results", []) if answer.status_code == 200 else []
        return next((each["id"] for each in found if each["name"] == name), None)


def step_down(servers: ReplicaSet) -> None:
    with suppress(PyMongoError):  # it closes our connection, too
        servers.primary().command("replSetStepDown", 10, force=True)


def lose_primary(servers: ReplicaSet) -> None:
    servers.primary().kill()


def names_in(program: Program) -> list[str]:
    names: list[str] = []
    cursor = ""
    while cursor is not None:
        page = program.call("GET", f"/api/files/{program.root}/children?limit=1000{cursor}")
        names += [entry["name"] for entry in page["results"]]
        cursor = f"&cursor={page['next']}" if page["next"] else None
    return names


def test_no_acknowledged_file_is_lost_or_doubled(tmp_path):
    with replica_set(3) as servers:
        address = {"RAPIDSERVE_DATABASE_URL": servers.url("failover")}
        server = launch(tmp_path / "home", **address)
        try:
            server.wait_until_ready()
            program = Program(server.url)
            clients = [Client(n, server.url, program.token) for n in range(CLIENTS)]
            stop = threading.Event()
            with ThreadPoolExecutor(CLIENTS) as pool:
                running = [pool.submit(client.run, stop) for client in clients]
                counts = []
                for lose in (step_down, lose_primary, None):
                    time.sleep(CALM_SECONDS)
                    counts.append(sum(len(client.acknowledged) for client in clients))
                    if lose:
                        lose(servers)
                        servers.primary()
                stop.set()
                for each in running:
                    each.result()

            assert counts[0] < counts[1] < counts[2], "work went on after each loss"
            assert set().union(*(client.statuses for client in clients)) <= {200, 503}
            acknowledged = {k: v for client in clients for k, v in client.acknowledged.items()}
            assert sorted(names_in(program)) == sorted(acknowledged)
            for file_id, digest in acknowledged.values():
                assert program.sha256(file_id) == digest
            journal_has_no_gaps(program)
            verified = run_manage(server.home, "verify", **address)
            assert verified.returncode == 0, verified.stdout + verified.stderr
            assert "Traceback" not in server.output()
        finally:
            server.kill()


def journal_has_no_gaps(program: Program) -> None:
    page = program.call("GET", "/api/changes?limit=1000")
    numbers: list[int] = []
    while page["results"]:
        numbers += [change["seq"] for change in page["results"]]
        page = program.call("GET", f"/api/changes?limit=1000&cursor={page['cursor']}")
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
