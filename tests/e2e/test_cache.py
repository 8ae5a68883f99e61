"""The cache's Redis is killed under load, and nobody but the clock notices."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.crash.client import Program
from tests.e2e.cast import OWNER
from tests.e2e.conftest import PROJECT, clean_environment
from tests.engines.redis import redis_server
from tests.world import sha256

pytestmark = pytest.mark.e2e

CLIENTS = 4
CALM_SECONDS = 3  # before, between and after the kill and the new start

# In a process of its own: what does a version take to be found?
ASK = """
import sys, uuid
import django; django.setup()
from django.db import connection
from django.test.utils import CaptureQueriesContext
from files.content import reader
from files.models import Entry
version = Entry.objects.get(id=sys.argv[1]).current_version_id
with CaptureQueriesContext(connection) as captured:
    size, extent = reader.version_facts(version).size, reader.extent(version, 0)
print(len(captured), size, extent.sha256)
"""


@pytest.fixture
def redis():
    with redis_server() as running:
        yield running


class Client:
    """Stores files that no process has in its memory yet, and fetches each of them."""

    def __init__(self, number, server, token):
        self.fetched = 0
        self._number = number
        self._program = Program(server.url, token)
        # A new connection for each download: any of the workers gets it.
        self._answers = httpx2.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )

    def run(self, stop):
        made = 0
        while not stop.is_set():
            made += 1
            files = [(f"{self._number}.{made}.{part}", os.urandom(3000)) for part in range(4)]
            for file_id, (_, data) in zip(self._program.pack(files), files, strict=True):
                self._fetch(file_id, data)

    def _fetch(self, file_id, data):
        answer = self._answers.get(
            f"/api/files/{file_id}/content", follow_redirects=True, headers={"Connection": "close"}
        )
        assert (answer.status_code, sha256(answer.content)) == (200, sha256(data))
        self.fetched += 1


def test_downloads_go_on_right_while_redis_is_killed_and_comes_back(redis, start_server):
    server = start_server(RAPIDSERVE_REDIS_URL=redis.url)
    token = Program(server.url).token
    clients = [Client(number, server, token) for number in range(CLIENTS)]
    stop = threading.Event()
    counts = []
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(client.run, stop) for client in clients]
        for step in (redis.kill, redis.start, stop.set):
            time.sleep(CALM_SECONDS)
            counts.append(sum(client.fetched for client in clients))
            step()
        for each in running:
            each.result()  # raises what went wrong in it

    assert 0 < counts[0] < counts[1] < counts[2], "work went on"
    complaints = server.output().count("goes on without it")
    assert 1 <= complaints <= len(server.workers()), "a line for each process, not each request"
    assert server.is_ready()


def test_another_process_finds_a_manifest_in_redis_and_asks_no_database(redis, start_server):
    server = start_server(RAPIDSERVE_REDIS_URL=redis.url)
    program = Program(server.url)
    file_id = program.upload("a.bin", b"content")
    cold = asked(server, file_id)

    program.sha256(file_id)

    facts = f"7 {sha256(b'content')}"
    assert cold.endswith(f" {facts}")
    assert not cold.startswith("0 ")
    assert asked(server, file_id, RAPIDSERVE_REDIS_URL=redis.url) == f"0 {facts}"


def asked(server, file_id, **environment):
    """How many queries, and the facts."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, file_id],
        cwd=PROJECT,
        env=clean_environment(
            RAPIDSERVE_HOME=str(server.home),
            DJANGO_SETTINGS_MODULE="rapidserve.settings",
            **environment,
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_guessing_passwords_is_slowed_down_by_all_processes_with_redis_and_without(
    redis, start_server
):
    server = start_server(RAPIDSERVE_REDIS_URL=redis.url, RAPIDSERVE_WORKERS="3")

    first = [sign_in(server, "wrong") for _ in range(3)]
    redis.kill()
    then = [sign_in(server, "wrong") for _ in range(4)]
    redis.start()

    assert first + then == [401] * 5 + [429] * 2
    assert sign_in(server, "wrong") == 429


def sign_in(server, password):
    body = {"username": OWNER, "password": password, "name": "guess"}
    return httpx2.post(f"{server.url}/api/auth/token", json=body, timeout=30).status_code
