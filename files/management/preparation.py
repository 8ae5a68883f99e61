"""What has to be there before an installation can be used: home, keys, tables, nodes, an owner.

Commands call these in order; each does nothing where it has been done before.
"""

import fcntl
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.actions import create_owner
from accounts.models import User
from files.chunkstore import registry
from files.chunkstore.config import NodeConfig, parse_nodes
from files.chunkstore.errors import ChunkStoreError
from files.exchange.incoming import is_unfinished
from files.management.registration import admit_pages, register_node
from files.models import Node
from rapidserve import db, env, jobs, keys
from rapidserve.env import SettingError
from rapidserve.errors import RapidServeError

Say = Callable[[str], None]


@contextmanager
def one_line_refusals() -> Iterator[None]:
    """Whatever is wrong with the surroundings ends the command with one line that says so."""
    try:
        yield
    except OSError as error:
        raise SettingError(f"{error.strerror}: {error.filename or settings.HOME}.") from error
    except (DatabaseError, ImproperlyConfigured) as error:
        raise SettingError(f"The database can't be used: {error}") from error
    except (RapidServeError, ChunkStoreError) as error:
        raise SettingError(str(error)) from error


def stop_quietly() -> None:
    """Ctrl-C while preparing ends without a traceback; transactions roll back all the same."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda _signum, _frame: sys.exit(0))


def lock_home() -> int:
    """Make the home if need be, and take it. Two servers on one home would run every job twice.

    Held until the descriptor that this gives is closed.
    """
    os.umask(0o077)  # the database and the jobs are nobody else's to read
    home = settings.HOME
    _make_home(home)
    descriptor = os.open(home / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingError(f"Another `serve` or `work` is running on {home}.") from None
    return descriptor


@contextmanager
def home_to_itself() -> Iterator[None]:
    """For commands that may run only while nothing serves this home."""
    lock = lock_home()
    try:
        yield
    finally:
        os.close(lock)


def prepare(say: Say) -> None:
    """All of it, in order: afterwards the web server and the job worker can run."""
    refuse_problems()
    make_keys(say)
    make_tables()
    refuse_unfinished_import()
    set_up_nodes(say)
    make_owner(say)
    jobs.prepare()


def refuse_unprepared() -> None:
    """For a part that runs beside a web server elsewhere. It makes nothing itself: keys of its own
    would open no chunk, and two machines that migrate at once are in each other's way.
    """
    missing = keys.missing_key_files(settings.HOME)
    if missing:
        raise SettingError(f"{missing[0]} is missing. Give this the keys that the web server has.")
    refuse_problems()
    executor = MigrationExecutor(connection)
    known = set() if executor.migration_plan(executor.loader.graph.leaf_nodes()) else _known_nodes()
    if not {config.name for config in parse_nodes(settings.NODES)} <= known:
        raise SettingError("The installation is not prepared. Run `manage.py prepare` or `serve`.")
    refuse_unfinished_import()


def refuse_unfinished_import() -> None:
    if is_unfinished():
        raise SettingError(
            "An import into this installation is not finished. Run `manage.py import_data`"
            " again; until it is done, files may be missing."
        )


def refuse_problems() -> None:
    if settings.ON_MONGODB:
        db.ping()  # or each of the checks would wait for it
    # Django keeps its checks in a set. In order of id, the cause is named before what follows from
    # it: that a key is gone before that its node can't be opened.
    for problem in sorted(run_checks(), key=lambda problem: problem.id or ""):
        if problem.level >= ERROR:
            raise SettingError(problem.msg)


def make_keys(say: Say) -> None:
    """On the very first start. The checks have made sure that no data waits for older keys."""
    made = keys.create_key_files(settings.HOME)
    if not made:
        return
    for file in made:
        say(f"Made the key file {file}")
    say("Keep copies in a safe place: without the master keys no file can be read again.")
    # The settings were read without these keys. Reading them again means starting again.
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the very command that runs now


def make_tables() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def set_up_nodes(say: Say) -> None:
    known = _known_nodes()
    for config in parse_nodes(settings.NODES):
        if config.name not in known:
            _set_up(config)
            say(f"Set up the node {config.name} in {config.place}.")
        if problem := admit_pages(config.name):  # each time: the public address may have changed
            say(problem)


def make_owner(say: Say) -> None:
    if User.objects.exists():
        return
    name = env.text("RAPIDSERVE_OWNER", "owner")
    given = env.secret("RAPIDSERVE_OWNER_PASSWORD")
    password = given or secrets.token_urlsafe(12)
    create_owner(username=name, password=password)
    say(f"Made the owner's account: {name}")
    if not given:
        say(f"Its password, shown only now:  {password}")


def _known_nodes() -> set[str]:
    return set(Node.objects.values_list("name", flat=True))


def _make_home(home: Path) -> None:
    if home.exists() and not home.is_dir():
        raise SettingError(f"RAPIDSERVE_HOME must be a directory, and {home} is a file.")
    probe = home / f".probe-{os.getpid()}"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingError(f"RAPIDSERVE_HOME {home} can't be written: {error.strerror}.") from error


def _set_up(config: NodeConfig) -> None:
    """Only a place that is absent or empty, or one that was marked and never used.

    Chunks that no row of this database knows would look like waste to be swept away: they may be
    another installation's, or this one's before its database was lost.
    """
    registry.setup(config)
    if next(registry.node(config.name).list(), None) is not None:
        raise SettingError(
            f"{config.place} holds chunks that this database knows nothing of."
            f" Restore their database, or take them over with `manage.py setup_node {config.name}`."
        )
    register_node(config.name)
