"""kill -9 at every named point, and at random: what was acknowledged is there, clients go on.

Every point in the source must be among the tests below; a point that is not hit fails its test.
"""

import ast
import os
import random
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

import httpx2
import psutil
import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from tests.crash.client import Program
from tests.e2e.conftest import (
    PATIENCE,
    PROJECT,
    Server,
    clean_environment,
    eventually,
    launch,
    run_serve,
)
from tests.world import sha256, specs_of

pytestmark = pytest.mark.e2e

KILLS = int(os.environ.get("RS_RANDOM_KILLS", "5"))
SWEEP = """
from files.actions import spaces, trash
from files.tasks import expire_uploads
expire_uploads.call_local()
trash.purge_expired()
spaces.clear_deleted()
"""


def points_in_source() -> set[str]:
    """Every literal in a `crash_point("…")` call."""
    found = set()
    for package in ("accounts", "files", "previews", "rapidserve"):
        for module in (PROJECT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "crash_point":
                    [name] = node.args
                    found.add(name.value if isinstance(name, ast.Constant) else ast.unparse(name))
    return found


def manage(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=clean_environment(RAPIDSERVE_HOME=str(home), **environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def random_file() -> bytes:
    return os.urandom(CHUNK_SIZE + 1000)


class Installation:
    """One home, the server that runs on it, and all that it has acknowledged."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.crash = home.parent / "crash"  # names the point to die at
        self.acknowledged: dict[str, str] = {}  # SHA-256 by file id
        self.server: Server | None = None

    def program(self) -> Program:
        """alice's, at the server that runs; one is started when there is none."""
        if self.server is None:
            return self.restart()
        return Program(self.server.url)

    def restart(self) -> Program:
        """After kill -9 of whatever ran before; none of its processes may be left."""
        self.kill()
        self.server = launch(self.home, RS_CRASH_FILE=str(self.crash))
        self.server.wait_until_ready()
        return Program(self.server.url)

    def kill(self) -> None:
        if self.server is not None:
            for process in self.server.tree():
                with suppress(psutil.NoSuchProcess):  # they die with the supervisor
                    process.kill()
            self.server.process.wait(PATIENCE)
            self.server.must_be_gone()
            self.server = None

    def upload(self, program: Program, name: str, data: bytes) -> str:
        file_id = program.upload(name, data)
        self.acknowledged[file_id] = sha256(data)
        return file_id

    def must_be_whole(self, program: Program, *options: str) -> None:
        for file_id, digest in self.acknowledged.items():
            assert program.sha256(file_id) == digest
        verified = manage(self.home, "verify", *options)
        assert verified.returncode == 0, verified.stdout + verified.stderr

    def must_sweep_clean(self) -> None:
        """What the killed ones left goes without anybody's help."""
        assert manage(self.home, "shell", "-c", SWEEP).returncode == 0
        assert manage(self.home, "collect_garbage").returncode == 0
        assert manage(self.home, "verify").stdout == "0 damaged, 0 left over\n"


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    there = Installation(tmp_path_factory.mktemp("crash") / "home")
    yield there
    there.kill()


# -- what is under way when the process dies, and how its client goes on --------------------------


class Case:
    """Prepared with a healthy server, acted out while it dies, gone on with after that."""

    def __init__(self, installation, program):
        self.installation = installation
        self.data = random_file()
        self.name = f"{sha256(self.data)[:16]}.bin"
        self.prepare(program)


class Upload(Case):
    def prepare(self, _program):
        """Everything happens while the server dies."""

    def act(self, program):
        program.upload(self.name, self.data)

    def go_on(self, program):
        self.installation.upload(program, self.name, self.data)


class Pack(Case):
    """Two files in one request, sent again when no answer came: as new versions, if need be."""

    def act(self, program):
        contents = [self.data[:1000], self.data[1000:3000]]
        names = [f"{self.name}.one", f"{self.name}.two"]
        made = program.pack(list(zip(names, contents, strict=True)))
        return dict(zip(made, map(sha256, contents), strict=True))

    def prepare(self, _program):
        """Everything happens while the server dies."""

    def go_on(self, program):
        self.installation.acknowledged |= self.act(program)


class Cancel(Case):
    def prepare(self, program):
        self.upload_id, _ = program.announce(self.name, len(self.data), specs_of(self.data))

    def act(self, program):
        program.call("DELETE", f"/api/upload/{self.upload_id}")

    def go_on(self, program):
        again = program.http.delete(f"/api/upload/{self.upload_id}")
        assert again.json()["error"]["code"] == "upload_gone"
        self.installation.upload(program, self.name, self.data)


class Copy(Case):
    def prepare(self, program):
        self.source = self.installation.upload(program, self.name, self.data)

    def act(self, program):
        return program.call("POST", f"/api/files/{self.source}/copy", {"parent": program.root})

    def go_on(self, program):
        self.installation.acknowledged[self.act(program)["id"]] = sha256(self.data)


class Trash(Case):
    """A folder with two files. Whatever the crash left, they can be trashed and brought back."""

    def prepare(self, program):
        body = {"parent": program.root, "name": self.name, "type": "folder"}
        self.folder = program.call("POST", "/api/files", body)["id"]
        self.files = [
            program.upload(f"{n}.bin", self.data, parent=self.folder) for n in ("one", "two")
        ]

    def act(self, program):
        program.call("DELETE", f"/api/files/{self.folder}")

    def go_on(self, program):
        assert program.http.delete(f"/api/files/{self.folder}").status_code in {204, 404}
        program.call("POST", f"/api/trash/{self.folder}/restore")
        for file in self.files:
            self.installation.acknowledged[file] = sha256(self.data)


class Remove(Trash):
    """A removal that has begun is finished: nothing half of which is gone can be brought back."""

    def act(self, program):
        program.call("DELETE", f"/api/files/{self.folder}")
        program.call("DELETE", f"/api/trash/{self.folder}")

    def go_on(self, program):
        assert program.http.post(f"/api/trash/{self.folder}/restore").status_code == 404
        assert manage(self.installation.home, "shell", "-c", SWEEP).returncode == 0
        for file in self.files:
            assert program.http.get(f"/api/files/{file}").status_code == 404


class DeleteSpace(Case):
    """Out of sight from the first moment on; what is left of it goes with the next sweep."""

    def prepare(self, program):
        body = {"name": self.name, "kind": "team"}
        self.space = program.call("POST", "/api/spaces", body)["id"]

    def act(self, program):
        program.call("DELETE", f"/api/spaces/{self.space}")

    def go_on(self, program):
        assert program.http.delete(f"/api/spaces/{self.space}").status_code == 404
        self.prepare(program)  # the name is free again
        assert manage(self.installation.home, "shell", "-c", SWEEP).returncode == 0


IN_THE_SERVER = {
    "register.inserted": Upload,
    "register.committed": Upload,
    "chunks.inserted": Upload,
    "chunk.temporary": Upload,
    "chunk.synced": Upload,
    "chunk.linked": Upload,
    "put.stored": Upload,
    "prove.found": Upload,
    "prove.live": Upload,
    "complete.proven": Upload,
    "complete.writing": Upload,
    "complete.committed": Upload,
    "pack.announced": Pack,
    "pack.stored": Pack,
    "pack.writing": Pack,
    "pack.committed": Pack,
    "expire.ended": Cancel,
    "copy.planned": Copy,
    "trash.writing": Trash,
    "trash.committed": Trash,
    "purge.marked": Remove,
    "purge.file": Remove,
    "space.marked": DeleteSpace,
}
IN_THE_COLLECTOR = (
    "collect.condemned",
    "collect.doomed",
    "chunk.deleting",
    "collect.object_deleted",
)
IN_AN_IMPORT = ("import.stored", "import.page", "import.proven")


def test_every_point_in_the_source_is_tested_here():
    assert points_in_source() == {*IN_THE_SERVER, *IN_THE_COLLECTOR, *IN_AN_IMPORT}


@pytest.mark.parametrize("point", IN_THE_SERVER)
def test_a_server_killed_there_loses_nothing_and_its_client_goes_on(installation, point):
    program = installation.program()
    case = IN_THE_SERVER[point](installation, program)
    workers = installation.server.workers()
    installation.crash.write_text(point)

    with pytest.raises(httpx2.TransportError):
        case.act(program)

    eventually(lambda: any(not_running(worker) for worker in workers), f"{point} is hit")
    program = installation.restart()
    case.go_on(program)
    installation.must_be_whole(program)


@pytest.mark.parametrize("point", IN_THE_COLLECTOR)
def test_a_collector_killed_there_loses_nothing_and_the_next_one_finishes(installation, point):
    program = installation.program()
    kept = random_file()
    shared, alone = kept[:CHUNK_SIZE], os.urandom(1000)
    installation.upload(program, f"kept-{point}", kept)
    removed = program.upload(f"removed-{point}", shared + alone)
    program.call("DELETE", f"/api/files/{removed}")
    program.call("DELETE", f"/api/trash/{removed}")

    killed = manage(installation.home, "collect_garbage", RS_CRASH_AT=point)

    assert killed.returncode == -signal.SIGKILL
    installation.must_be_whole(program)
    installation.upload(program, f"again-{point}", shared + alone)
    assert manage(installation.home, "collect_garbage").returncode == 0
    installation.must_be_whole(program)


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """An installation that was left, with one file, and its export."""
    left = Installation(tmp_path_factory.mktemp("left") / "home")
    left.upload(left.program(), "kept.bin", random_file())
    left.kill()
    export = left.home.parent / "export"
    assert manage(left.home, "export_data", str(export)).returncode == 0
    return left, export


@pytest.mark.parametrize("point", IN_AN_IMPORT)
def test_an_import_killed_there_is_not_served_and_goes_on(moved, tmp_path, point):
    left, export = moved
    there = Installation(tmp_path / "home")
    there.acknowledged = left.acknowledged
    shutil.copytree(left.home / "keys", there.home / "keys")

    killed = manage(there.home, "import_data", str(export), RS_CRASH_AT=point)

    assert killed.returncode == -signal.SIGKILL
    assert "not finished" in run_serve(there.home).stderr
    again = manage(there.home, "import_data", str(export))
    assert again.returncode == 0, again.stderr
    there.must_be_whole(there.program(), "--deep")
    there.kill()


def test_a_tree_killed_at_random_moments_keeps_every_acknowledged_file(installation):
    for _ in range(KILLS):
        program = installation.restart()
        with ThreadPoolExecutor(1) as pool:
            uploading = pool.submit(upload_until_killed, installation, program)
            wait([uploading], timeout=random.random() * 0.7)
            installation.kill()
            uploading.result(PATIENCE)

    program = installation.restart()
    installation.must_be_whole(program, "--deep")
    installation.must_sweep_clean()


def upload_until_killed(installation, program):
    try:
        while True:
            data = os.urandom(300_000)
            # A name of its own: a version that was made and not acknowledged would hide another.
            installation.upload(program, f"{sha256(data)}.bin", data)
    except httpx2.TransportError:
        return


def not_running(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
