"""An installation moves from SQLite to MongoDB and back again, and nobody's program notices."""

import os
import shutil

import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from tests.crash.client import Program
from tests.e2e.conftest import launch, run_manage
from tests.engines.mongod import missing, replica_set
from tests.world import sha256

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(missing() is not None, reason=f"no mongod: {missing()}"),
]


@pytest.fixture(scope="module")
def mongodb():
    with replica_set() as running:
        yield running


def fill(program):
    """What is there, by id, and its SHA-256."""
    contents = {f"{n}.bin": os.urandom(100 * n) for n in range(5)}
    contents |= {"large.bin": os.urandom(CHUNK_SIZE + 1), "ä" * 120: b"long", "same": b"long"}
    return {program.upload(name, data): sha256(data) for name, data in contents.items()}


def digests(program, ids):
    return {file_id: program.sha256(file_id) for file_id in ids}


def test_a_program_goes_on_after_each_move(mongodb, tmp_path):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    addresses = {
        first: f"sqlite:///{first}/rapidserve.sqlite3",
        second: mongodb.url("moved"),
        third: f"sqlite:///{third}/rapidserve.sqlite3",
    }
    server = launch(first, RAPIDSERVE_DATABASE_URL=addresses[first])
    try:
        server.wait_until_ready()
        program = Program(server.url)
        files = fill(program)
        for home, target in ((first, second), (second, third)):
            server.stop()
            server = move(home, target, addresses)
            program = Program(server.url, program.token)

            assert digests(program, files) == files
            files[program.upload(f"new in {target.name}", b"new")] = sha256(b"new")
    finally:
        server.kill()

    verified = run_manage(third, "verify", "--deep", RAPIDSERVE_DATABASE_URL=addresses[third])
    assert verified.stdout == "0 damaged, 0 left over\n"


def move(home, target, addresses):
    """The server over `target`, into which all of `home` was moved."""
    export = str(home.parent / f"export of {home.name}")
    exported = run_manage(home, "export_data", export, RAPIDSERVE_DATABASE_URL=addresses[home])
    assert exported.returncode == 0, exported.stderr
    shutil.copytree(home / "keys", target / "keys")
    imported = run_manage(target, "import_data", export, RAPIDSERVE_DATABASE_URL=addresses[target])
    assert imported.returncode == 0, imported.stderr
    server = launch(target, RAPIDSERVE_DATABASE_URL=addresses[target])
    server.wait_until_ready()
    return server
