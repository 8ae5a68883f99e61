"""The server's memory under load: it streams, whatever the size and the number of files."""

import hashlib
import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from files.chunkstore.chunk import CHUNK_SIZE
from tests.crash.client import Program

pytestmark = pytest.mark.e2e

MIB = 2**20
FILE_BYTES = int(os.environ.get("RS_MEMORY_FILE_MIB", "1024")) * MIB
CHUNKS = FILE_BYTES // CHUNK_SIZE
AT_ONCE = 4
CHUNKS_AT_ONCE = 4
MOST = 350 * MIB


class Sampler:
    """The largest PSS of the whole tree, looked at every 0.2 seconds."""

    def __init__(self, server):
        self.server = server
        self.peak = {"total": 0}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(0.2):
            now = self.server.pss()
            if now["total"] > self.peak["total"]:
                self.peak = now


def unlike_any_other(seed, index):
    """A chunk that is in no other file, made in no time: random bytes and a number after them."""
    return seed[: CHUNK_SIZE - 16] + index.to_bytes(16, "big")


def upload_random_data(url, name):
    """A file by a program of its own, that signs in and sends some chunks at once."""
    program = Program(url)
    seed = os.urandom(CHUNK_SIZE)
    specs = [
        {
            "sha256": hashlib.sha256(unlike_any_other(seed, index)).hexdigest(),
            "size": CHUNK_SIZE,
        }
        for index in range(CHUNKS)
    ]
    upload_id, slots = program.announce(name, FILE_BYTES, specs)
    assert all(slot["state"] == "upload" for slot in slots)
    with ThreadPoolExecutor(CHUNKS_AT_ONCE) as pool:
        sent = [
            pool.submit(lambda slot: program.put(slot, unlike_any_other(seed, slot["index"])), slot)
            for slot in slots
        ]
        for one in sent:
            one.result()
    return program.complete(upload_id)


def download(program, file_id):
    command = ["curl", "--silent", "--fail", "--location", "--output", os.devnull]
    command += ["--write-out", "%{size_download}"]
    command += ["--header", f"Authorization: Bearer {program.token}"]
    address = f"{program.http.base_url}/api/files/{file_id}/content"
    done = subprocess.run([*command, address], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_four_large_uploads_and_downloads_at_once_fit_into_350_mb(start_server):
    server = start_server()
    program = Program(server.url)
    stored = upload_random_data(server.url, "stored.bin")

    with Sampler(server) as sampler, ThreadPoolExecutor(2 * AT_ONCE) as pool:
        uploads = [
            pool.submit(upload_random_data, server.url, f"{number}.bin")
            for number in range(AT_ONCE)
        ]
        downloads = [pool.submit(download, program, stored) for _ in range(AT_ONCE)]
        assert [done.result() for done in downloads] == [FILE_BYTES] * AT_ONCE
        files = [done.result() for done in uploads]

        more = [pool.submit(download, program, file) for file in files]
        assert [done.result() for done in more] == [FILE_BYTES] * AT_ONCE

    for name, size in sampler.peak.items():
        print(f"{size / MIB:8.1f} MiB  {name}")  # noqa: T201 - the figure people ask for
    assert sampler.peak["total"] < MOST, sampler.peak
