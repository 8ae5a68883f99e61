"""`manage.py serve`: prepare everything, say what was prepared, and run."""

import errno
import ipaddress
import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from files.exchange.incoming import is_unfinished
from files.management import preparation
from rapidserve import env, jobs
from rapidserve.env import SettingError


class Command(BaseCommand):
    help = "Prepare this installation if need be, and serve it until stopped."
    requires_system_checks = ()  # run below, so that each problem is one line

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reload", action="store_true", help="start again when code or templates change"
        )

    def handle(self, *_args: Any, reload: bool, **_options: Any) -> None:
        preparation.stop_quietly()
        with preparation.one_line_refusals():
            lock = self._prepare()
        connections.close_all()
        _become_supervisor(lock, reload=reload)

    def _prepare(self) -> int:
        """The open descriptor of the lock, to be handed on."""
        lock = preparation.lock_home()
        _refuse_taken_port(settings.BIND, settings.PORT)
        preparation.refuse_problems()
        preparation.make_keys(self._say)
        preparation.make_tables()
        if is_unfinished():
            raise SettingError(
                "An import into this installation is not finished. Run `manage.py import_data`"
                " again; until it is done, files may be missing."
            )
        preparation.set_up_nodes(self._say)
        preparation.make_owner(self._say)
        jobs.prepare()
        return lock

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # what follows replaces this process, buffers and all


def _refuse_taken_port(address: str, port: int) -> None:
    """The workers share their port (SO_REUSEPORT), so granian would join a stranger's unnoticed."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004 - IPv6
    except ValueError:
        return  # the checks say so
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SettingError(
                    f"Port {port} is taken. Stop the other program or set RAPIDSERVE_PORT."
                ) from error
            raise SettingError(f"Can't listen at {address}:{port}: {error.strerror}.") from error


def _become_supervisor(lock: int, *, reload: bool) -> None:
    """Replace this process, so that Django's memory is free and the process id stays the same.

    The lock stays open across that, and is released when the supervisor is gone.
    """
    os.set_inheritable(lock, True)  # noqa: FBT003 - its only parameter
    arguments = [sys.executable, "-P", "-m", "rapidserve.supervisor", settings.BIND]
    arguments += [str(settings.PORT), *(["--reload"] if reload else [])]
    environment = env.child_environment(
        PYTHONPATH=str(settings.BASE_DIR), RAPIDSERVE_HOME=str(settings.HOME)
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - our own interpreter and module
