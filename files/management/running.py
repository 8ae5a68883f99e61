"""How `serve` and `work` become the supervisor of what they have prepared."""

import os
import sys

from django.conf import settings
from django.db import connections

from rapidserve import env


def become_supervisor(lock: int, *options: str) -> None:
    """Replace this process, so that Django's memory is free and the process id stays the same.

    The lock stays open across that, and is released when the supervisor is gone. `options` are
    those of rapidserve.supervisor.
    """
    connections.close_all()
    os.set_inheritable(lock, True)  # noqa: FBT003 - its only parameter
    arguments = [sys.executable, "-P", "-m", "rapidserve.supervisor", settings.BIND]
    arguments += [str(settings.PORT), *options]
    environment = env.child_environment(
        PYTHONPATH=str(settings.BASE_DIR), RAPIDSERVE_HOME=str(settings.HOME)
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - our own interpreter and module
