import subprocess
import sys

import pytest
from huey import RedisHuey

from files.tasks import expire_uploads
from rapidserve.jobs import queue
from tests.e2e.conftest import clean_environment, eventually
from tests.engines.redis import missing, redis_server

pytestmark = pytest.mark.e2e
needs_redis = pytest.mark.skipif(missing() is not None, reason=f"no Redis: {missing()}")

TOUCH_NOTHING = """
import django; django.setup()
from rapidserve import jobs
print(jobs.queue.storage.filename)
"""


def test_declaring_jobs_touches_no_disk(tmp_path):
    environment = clean_environment(
        RAPIDSERVE_HOME=str(tmp_path / "home"), DJANGO_SETTINGS_MODULE="rapidserve.settings"
    )

    result = subprocess.run(
        [sys.executable, "-c", TOUCH_NOTHING],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == str(tmp_path / "home" / "jobs.sqlite3")
    assert not (tmp_path / "home").exists()


def test_a_job_that_was_queued_is_done(server):
    theirs = type(queue)("rapidserve", filename=str(server.home / "jobs.sqlite3"), results=False)
    before = len(server.output())

    theirs.storage.enqueue(queue.serialize_task(expire_uploads.s()))

    eventually(lambda: theirs.storage.queue_size() == 0, "the worker takes the job")
    assert "ERROR" not in server.output()[before:]
    theirs.storage.close()


@pytest.fixture
def redis():
    with redis_server() as running:
        yield running


def queue_in(redis):
    return RedisHuey("rapidserve", url=redis.url, results=False)


@needs_redis
def test_a_job_that_was_queued_in_redis_is_done(redis, start_server):
    server = start_server(RAPIDSERVE_REDIS_URL=redis.url)
    theirs = queue_in(redis)

    theirs.storage.enqueue(queue.serialize_task(expire_uploads.s()))

    eventually(lambda: theirs.storage.queue_size() == 0, "the worker takes the job")
    assert "ERROR" not in server.output()
    assert not (server.home / "jobs.sqlite3").exists()


@needs_redis
def test_a_worker_whose_redis_was_killed_goes_on_with_the_next(redis, start_server):
    server = start_server(RAPIDSERVE_REDIS_URL=redis.url)
    worker = server.job_worker().pid

    redis.kill()
    eventually(lambda: "Error reading from queue" in server.output(), "the worker notices")
    assert server.is_ready()
    redis.start()
    theirs = queue_in(redis)
    theirs.storage.enqueue(queue.serialize_task(expire_uploads.s()))

    eventually(lambda: theirs.storage.queue_size() == 0, "the worker takes the job")
    assert server.job_worker().pid == worker


@needs_redis
def test_a_server_starts_without_its_redis(start_server):
    """Only jobs wait."""
    server = start_server(RAPIDSERVE_REDIS_URL="redis://127.0.0.1:1/0")

    assert server.is_ready()
