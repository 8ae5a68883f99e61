"""`manage.py serve`: prepare everything, say what was prepared, and run."""

import errno
import fcntl
import ipaddress
import os
import secrets
import signal
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections

from accounts.actions import create_owner
from accounts.models import User
from files.chunkstore import registry
from files.chunkstore.backends import local
from files.chunkstore.errors import ChunkStoreError
from files.chunkstore.registry import NodeConfig
from files.models import Node
from rapidserve import db, env, jobs, keys
from rapidserve.env import SettingError
from rapidserve.errors import RapidServeError


class Command(BaseCommand):
    help = "Prepare this installation if need be, and serve it until stopped."
    requires_system_checks = ()  # run below, so that each problem is one line

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reload", action="store_true", help="start again when code or templates change"
        )

    def handle(self, *_args: Any, reload: bool, **_options: Any) -> None:
        _stop_quietly()
        os.umask(0o077)  # the database and the jobs are nobody else's to read
        try:
            lock = self._prepare()
        except OSError as error:
            raise SettingError(f"{error.strerror}: {error.filename or settings.HOME}.") from error
        except (DatabaseError, ImproperlyConfigured) as error:
            raise SettingError(f"The database can't be used: {error}") from error
        except (RapidServeError, ChunkStoreError) as error:
            raise SettingError(str(error)) from error
        connections.close_all()
        _become_supervisor(lock, reload=reload)

    def _prepare(self) -> int:
        """The open descriptor of the lock, to be handed on."""
        _prepare_home(settings.HOME)
        lock = _lock(settings.HOME)
        _refuse_taken_port(settings.BIND, settings.PORT)
        if settings.ON_MONGODB:
            db.ping()  # or each of the checks would wait for it
        _refuse_problems()
        self._make_keys()
        call_command("migrate", interactive=False, verbosity=0)
        self._set_up_nodes()
        self._make_owner()
        jobs.prepare()
        return lock

    def _make_keys(self) -> None:
        """On the very first start. The checks have made sure that no data waits for older keys."""
        made = keys.create_key_files(settings.HOME)
        if not made:
            return
        for file in made:
            self._say(f"Made the key file {file}")
        self._say("Keep copies in a safe place: without the master keys no file can be read again.")
        # The settings were read without these keys. Reading them again means starting again.
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the very command that runs now

    def _set_up_nodes(self) -> None:
        known = set(Node.objects.values_list("name", flat=True))
        for config in registry.parse_nodes(settings.NODES):
            if config.name not in known:
                _set_up(config)
                self._say(f"Set up the node {config.name} in {config.directory}.")

    def _make_owner(self) -> None:
        if User.objects.exists():
            return
        name = env.text("RAPIDSERVE_OWNER", "owner")
        given = env.secret("RAPIDSERVE_OWNER_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        create_owner(username=name, password=password)
        self._say(f"Made the owner's account: {name}")
        if not given:
            self._say(f"Its password, shown only now:  {password}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # what follows replaces this process, buffers and all


def _stop_quietly() -> None:
    """Ctrl-C while preparing ends without a traceback; transactions roll back all the same."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda _signum, _frame: sys.exit(0))


def _prepare_home(home: Path) -> None:
    if home.exists() and not home.is_dir():
        raise SettingError(f"RAPIDSERVE_HOME must be a directory, and {home} is a file.")
    probe = home / f".probe-{os.getpid()}"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingError(f"RAPIDSERVE_HOME {home} can't be written: {error.strerror}.") from error


def _lock(home: Path) -> int:
    """Two servers on one home would run every job twice. Held until the descriptor is closed."""
    descriptor = os.open(home / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingError(f"Another `serve` is running on {home}.") from None
    return descriptor


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


def _refuse_problems() -> None:
    # Django keeps its checks in a set. In order of id, the cause is named before what follows from
    # it: that a key is gone before that its node can't be opened.
    for problem in sorted(run_checks(), key=lambda problem: problem.id or ""):
        if problem.level >= ERROR:
            raise SettingError(problem.msg)


def _set_up(config: NodeConfig) -> None:
    """Only a directory that is absent or empty, or one that was marked and never used.

    Chunks that no row of this database knows would look like waste to be swept away: they may be
    another installation's, or this one's before its database was lost.
    """
    local.setup(config.directory, config.name)
    if next(registry.node(config.name).list(), None) is not None:
        raise SettingError(
            f"{config.directory} holds chunks that this database knows nothing of."
            f" Restore their database, or take them over with `manage.py setup_node {config.name}`."
        )
    Node.objects.create(name=config.name)


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
