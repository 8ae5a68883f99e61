"""The job queue. Rows in the database are the real queue: a job only says "look now".

A job that gets lost costs latency until the next sweep, never work. So neither a queue in Redis
that is away nor one that forgot everything loses anything.
"""

from typing import Any

from django.conf import settings
from huey import RedisHuey, SqliteHuey
from redis import ConnectionPool

NAME = "rapidserve"


def _on_redis(url: str) -> RedisHuey:
    """Connects when it is first used. Longer than the second that a worker waits for a job."""
    pool: Any = ConnectionPool.from_url(url, socket_connect_timeout=2, socket_timeout=5)
    return RedisHuey(NAME, connection_pool=pool, results=False)


def _on_sqlite() -> SqliteHuey:
    # create_tables: importing this must not touch the disk, or `manage.py check` on a fresh clone
    # would fail for want of $RAPIDSERVE_HOME. results: nobody reads them, so they would pile up.
    return SqliteHuey(
        NAME,
        filename=str(settings.HOME / "jobs.sqlite3"),
        create_tables=False,
        results=False,
        cache_mb=1,
    )


queue = _on_redis(settings.REDIS_URL) if settings.REDIS_URL else _on_sqlite()


def prepare() -> None:
    """Create the queue's tables. Harmless when they are there; Redis has none."""
    if isinstance(queue, SqliteHuey):
        queue.storage.initialize_schema()
