"""The web server and the job worker, each alone, as on several machines."""

import shutil
import sys

import pytest

from files.tasks import expire_uploads
from rapidserve.jobs import queue
from tests.crash.client import Program
from tests.e2e.conftest import eventually, launch, run_manage
from tests.e2e.test_jobs import needs_redis, queue_in
from tests.engines.redis import redis_server

pytestmark = pytest.mark.e2e
MANAGE = (sys.executable, "manage.py")
WEB = (*MANAGE, "serve", "--without-worker")
WORKER = (*MANAGE, "work")


@pytest.fixture
def redis():
    with redis_server() as running:
        yield running


@pytest.fixture
def start(tmp_path):
    """Starts a part on a home of its own, with these settings; killed at the end."""
    started = []

    def start(home, command, **settings):
        started.append(launch(tmp_path / home, command, **settings))
        return started[-1]

    yield start
    for part in started:
        part.kill()


def shared_settings(tmp_path, redis):
    """What parts on several machines have in common."""
    return {
        "RAPIDSERVE_DATABASE_URL": f"sqlite:///{tmp_path / 'metadata.sqlite3'}",
        "RAPIDSERVE_NODES": f"main=file://{tmp_path / 'disk'}",
        "RAPIDSERVE_REDIS_URL": redis.url,
    }


def bring_keys(tmp_path, source, target):
    shutil.copytree(tmp_path / source / "keys", tmp_path / target / "keys")


@needs_redis
def test_jobs_wait_for_a_worker_elsewhere(tmp_path, redis, start):
    settings = shared_settings(tmp_path, redis)
    web = start("web", WEB, **settings)
    web.wait_until_ready()
    theirs = queue_in(redis)
    theirs.storage.enqueue(queue.serialize_task(expire_uploads.s()))

    assert not [each for each in web.tree() if "rapidserve.worker" in each.cmdline()]
    assert theirs.storage.queue_size() == 1
    bring_keys(tmp_path, "web", "worker")
    worker = start("worker", WORKER, **settings)

    eventually(lambda: theirs.storage.queue_size() == 0, "the worker takes the job")
    assert "ERROR" not in worker.output()
    assert not [each for each in worker.tree() if "rapidserve.web" in each.cmdline()]
    assert worker.stop() == 0
    assert web.stop() == 0


@needs_redis
def test_two_web_servers_give_what_the_other_took(tmp_path, redis, start):
    settings = shared_settings(tmp_path, redis)
    first = start("first", WEB, **settings)
    first.wait_until_ready()
    bring_keys(tmp_path, "first", "second")
    second = start("second", WEB, **settings)
    second.wait_until_ready()
    here = Program(first.url)
    there = Program(second.url, here.token)

    file_id = here.upload("file", b"content")

    assert (
        there.http.get(f"/api/files/{file_id}/content", follow_redirects=True).content == b"content"
    )
    assert here.call("DELETE", f"/api/files/{file_id}") is None
    assert there.http.get(f"/api/files/{file_id}").status_code == 404


def test_a_worker_without_the_keys_of_the_web_server_is_refused(tmp_path):
    refused = run_manage(tmp_path / "home", "work")

    assert refused.returncode == 1
    assert "keys that the web server has" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_worker_of_an_installation_that_is_not_prepared_is_refused(tmp_path):
    assert run_manage(tmp_path / "home", "prepare").returncode == 0
    elsewhere = f"sqlite:///{tmp_path / 'other.sqlite3'}"

    refused = run_manage(tmp_path / "home", "work", RAPIDSERVE_DATABASE_URL=elsewhere)

    assert refused.returncode == 1
    assert "not prepared" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_preparing_twice_says_nothing_the_second_time(tmp_path):
    first = run_manage(tmp_path / "home", "prepare")
    second = run_manage(tmp_path / "home", "prepare")

    assert (first.returncode, second.returncode) == (0, 0)
    assert "Made the owner" in first.stdout
    assert second.stdout == ""
