"""The job worker: `python -m rapidserve.worker`, one process started by the supervisor."""

import django

django.setup()

from django.db import close_old_connections
from django.utils.module_loading import autodiscover_modules

from rapidserve import jobs

THREADS = 2  # one long job (a scrub) must not hold up the short ones
STOP_SECONDS = 6  # less than the supervisor's patience


def main() -> None:
    jobs.prepare()
    autodiscover_modules("tasks")
    # Each thread keeps a connection for good: one that broke must not fail every job after it.
    jobs.queue.pre_execute(name="fresh_connections")(lambda _task: close_old_connections())
    jobs.queue.create_consumer(
        workers=THREADS,
        worker_type="thread",
        periodic=True,
        max_delay=2.0,
        shutdown_timeout=STOP_SECONDS,
    ).run()


if __name__ == "__main__":
    main()
