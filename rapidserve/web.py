"""The web server process: granian's main, which forks the workers and respawns those that die."""

import gc
import os
from functools import partial
from importlib import import_module

from django.conf import settings
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from rapidserve import lifeline

BACKLOG = 1024  # connections that wait in the kernel while the workers are busy
REQUESTS_AT_ONCE = 512  # per worker; beyond that it leaves connections to the other worker
HEADER_SECONDS = 15  # a client that takes longer to send its headers only holds a connection
# The largest piece in which a body arrives, from a client that sends faster than we write. Each is
# handed from granian's thread to Python's, so a chunk should not come in many.
BODY_BLOCK_BYTES = 2**20
WORKER_STOP_SECONDS = 7  # less than the supervisor's patience


def main() -> None:
    os.register_at_fork(after_in_child=partial(lifeline.die_with, os.getpid()))
    preload()
    Granian(
        "rapidserve.asgi:application",
        address=settings.BIND,
        port=settings.PORT,
        interface=Interfaces.ASGI,
        workers=settings.WORKERS,
        loop=Loops.uvloop,
        runtime_threads=1,
        runtime_blocking_threads=16,  # they read files for sendfile-like answers
        # HTTP/2 belongs to the proxy that ends TLS; here it would allow 16 MiB of headers.
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=REQUESTS_AT_ONCE,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=BODY_BLOCK_BYTES
        ),
        # Below "warning" it writes a line for every block that a client did not wait for.
        log_level=LogLevels.warning,
        log_dictconfig=settings.LOGGING,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=WORKER_STOP_SECONDS,
    ).serve()


def preload() -> None:
    """Load the application before the fork: the workers share its memory, and a killed one is
    replaced at once. Nothing may open a connection or start a thread while it is imported.
    """
    import_module("rapidserve.asgi")
    import_module(settings.ROOT_URLCONF)  # else each worker imports it with its first page
    gc.collect()
    gc.freeze()  # the collector would write to, and so copy, every shared page


if __name__ == "__main__":
    main()
