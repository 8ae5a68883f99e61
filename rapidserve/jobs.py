"""The job queue. Rows in the database are the real queue: a job only says "look now".

A job that gets lost costs latency until the next sweep, never work.
"""

from django.conf import settings
from huey import SqliteHuey

# create_tables: importing this must not touch the disk, or `manage.py check` on a fresh clone would
# fail for want of $RAPIDSERVE_HOME. results: nobody reads them, so they would pile up.
queue = SqliteHuey(
    "rapidserve",
    filename=str(settings.HOME / "jobs.sqlite3"),
    create_tables=False,
    results=False,
    cache_mb=1,
)


def prepare() -> None:
    """Create the queue's tables. Harmless when they are there."""
    queue.storage.initialize_schema()
