"""Files of every size, over HTTP, up and down: what comes back is what was sent, byte for byte."""

import os
import random
import subprocess

import pytest

from files.chunkstore.chunk import CHUNK_SIZE, chunk_count
from tests.crash.client import Program
from tests.e2e.conftest import eventually
from tests.world import sha256

pytestmark = pytest.mark.e2e

GIB = 2**30
SPARSE_BYTES = 6 * GIB + 12_345


@pytest.fixture(scope="module")
def program(server):
    return Program(server.url)


def curl(program, file_id, *options):
    """`curl -L` on the address people would use."""
    return [
        *("curl", "--silent", "--show-error", "--fail", "--location", *options),
        *("--header", f"Authorization: Bearer {program.token}"),
        f"{program.http.base_url}/api/files/{file_id}/content",
    ]


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 50 * 2**20], ids="{:,}".format
)
def test_a_file_comes_back_bit_for_bit(program, size):
    data = os.urandom(size)

    file_id = program.upload(f"{size} bytes.bin", data)

    assert program.sha256(file_id) == sha256(data)


def test_an_interrupted_download_goes_on_where_it_stopped(program, tmp_path):
    data = os.urandom(50 * 2**20)
    file_id = program.upload("interrupted.bin", data)
    target = tmp_path / "part"
    slow = curl(program, file_id, "--limit-rate", "20M", "--output", str(target))
    first = subprocess.Popen(slow)
    eventually(lambda: target.exists() and target.stat().st_size > CHUNK_SIZE, "some has come")
    first.kill()
    first.wait()
    assert CHUNK_SIZE < target.stat().st_size < len(data)

    subprocess.run(
        curl(program, file_id, "--continue-at", "-", "--output", str(target)), check=True
    )

    assert target.read_bytes() == data


class Sparse:
    """A huge file of zeros with a few other chunks in it, which nobody has to keep in memory."""

    def __init__(self, size):
        self.size = size
        self.count = chunk_count(size)
        last = self.count - 1
        places = {0, 1, last, *random.Random(size).sample(range(2, last), 3)}
        self.others = {place: os.urandom(self.length(place)) for place in places}
        self.zeros = bytes(CHUNK_SIZE)

    def length(self, index):
        return min(CHUNK_SIZE, self.size - index * CHUNK_SIZE)

    def chunk(self, index):
        return self.others.get(index, self.zeros)

    def specs(self):
        zeros = sha256(self.zeros)
        return [
            {
                "sha256": sha256(self.others[index]) if index in self.others else zeros,
                "size": self.length(index),
            }
            for index in range(self.count)
        ]


def test_six_gigabytes_mostly_zeros_go_up_quickly_and_come_back_whole(program):
    file = Sparse(SPARSE_BYTES)

    upload_id, slots = program.announce("sparse.img", file.size, file.specs())
    asked_for = [slot for slot in slots if slot["state"] == "upload"]
    for slot in asked_for:
        program.put(slot, file.chunk(slot["index"]))
    file_id = program.complete(upload_id)

    assert len(asked_for) == len(file.others) + 1  # all zeros are sent once
    stopped_at = file.count // 2
    must_stream(curl(program, file_id), file, range(stopped_at))
    offset = stopped_at * CHUNK_SIZE
    resumed = curl(program, file_id, "--continue-at", str(offset))
    must_stream(resumed, file, range(stopped_at, file.count))


def must_stream(command, file, indexes):
    """These chunks are what the command prints; it is stopped after them."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for index in indexes:
            assert process.stdout.read(file.length(index)) == file.chunk(index), index
        process.kill()
