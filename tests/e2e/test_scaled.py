"""`make run-scaled`: the main job on MongoDB, Redis and S3 servers, unchanged."""

import os
import sys

import pytest
from playwright.sync_api import expect

from tests.crash.client import Program
from tests.docs.test_walkthrough import CHUNK, paste
from tests.e2e.conftest import SERVE, launch
from tests.e2e.visitor import random_file, visit
from tests.engines import mongod, redis, s3servers
from tests.world import sha256

LACKING = mongod.missing() or redis.missing() or s3servers.missing()
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(LACKING is not None, reason=f"not all engines are here: {LACKING}"),
]
SCALED = (sys.executable, "-m", "tests.engines.scaled", *SERVE)


def start(home, **environment):
    server = launch(home, SCALED, **environment)
    server.wait_until_ready()
    return server


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("scaled") / "home")
    yield server
    server.kill()


@pytest.mark.parametrize("size", [0, 1, CHUNK + 1, 50_000_000])
def test_what_goes_up_comes_down_byte_for_byte(scaled, tmp_path, size):
    (tmp_path / "file.bin").write_bytes(os.urandom(size))

    done = paste(scaled, tmp_path, file="file.bin")

    assert done.stdout == "The same, byte for byte.\n", done.stderr
    assert done.returncode == 0


def test_a_browser_sends_straight_to_both_buckets(scaled, browser, tmp_path):
    visitor = visit(browser, scaled.url)
    sent = []
    visitor.page.on("request", lambda r: r.method == "PUT" and sent.append(r.url))
    file = random_file(tmp_path, "film.mov", 50_000_000)

    visitor.upload(file)

    expect(visitor.in_tray("film.mov")).to_contain_text("Done, verified")
    assert len(sent) == 12
    assert not any(url.startswith(scaled.url) for url in sent)
    assert len({url.split("/")[2] for url in sent}) == 2
    assert visitor.download("film.mov", tmp_path) == file.read_bytes()


def test_what_was_stored_is_there_the_next_time(tmp_path):
    first = start(tmp_path / "home")
    file_id = Program(first.url).upload("file", b"content")
    assert first.stop() == 0

    second = start(tmp_path / "home")

    try:
        assert Program(second.url).sha256(file_id) == sha256(b"content")
    finally:
        second.kill()


def test_an_engine_that_is_named_is_not_started(tmp_path):
    database = f"sqlite:///{tmp_path / 'metadata.sqlite3'}"

    server = start(tmp_path / "home", RAPIDSERVE_DATABASE_URL=database)

    try:
        assert not [process for process in server.tree() if process.name() == "mongod"]
        assert (tmp_path / "metadata.sqlite3").exists()
    finally:
        server.kill()
