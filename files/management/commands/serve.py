"""`manage.py serve`: prepare everything, say what was prepared, and run."""

import errno
import ipaddress
import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from files.management import preparation
from files.management.running import become_supervisor
from rapidserve.env import SettingError


class Command(BaseCommand):
    help = "Prepare this installation if need be, and serve it until stopped."
    requires_system_checks = ()  # run below, so that each problem is one line

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reload", action="store_true", help="start again when code or templates change"
        )
        parser.add_argument(
            "--without-worker",
            action="store_true",
            help="no background jobs here: `manage.py work` does them elsewhere",
        )

    def handle(self, *_args: Any, reload: bool, without_worker: bool, **_options: Any) -> None:
        preparation.stop_quietly()
        with preparation.one_line_refusals():
            lock = self._prepare()
        become_supervisor(
            lock,
            *(["--reload"] if reload else []),
            *(["--without-worker"] if without_worker else []),
        )

    def _prepare(self) -> int:
        """The open descriptor of the lock, to be handed on."""
        lock = preparation.lock_home()
        _refuse_taken_port(settings.BIND, settings.PORT)
        preparation.prepare(self._say)
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
