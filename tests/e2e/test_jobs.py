import subprocess
import sys

import pytest

from files.tasks import expire_uploads
from rapidserve.jobs import queue
from tests.e2e.conftest import clean_environment, eventually

pytestmark = pytest.mark.e2e

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
