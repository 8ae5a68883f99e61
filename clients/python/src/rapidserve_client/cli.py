"""The command: from what was typed to what is done about it, and the exit code."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TextIO

from rapidserve_client import account, arguments, browse, credentials, sharing
from rapidserve_client.connection import Connection
from rapidserve_client.ending import CONTINUE, Stopped, stop_on_signals
from rapidserve_client.errors import ClientError, NotSignedIn, Unreachable, UsageError
from rapidserve_client.get import Getting
from rapidserve_client.names import printable
from rapidserve_client.patience import Halt
from rapidserve_client.progress import Display, Lines, Quiet
from rapidserve_client.put import Putting
from rapidserve_client.remote import RemotePath, Tree, tree_of
from rapidserve_client.report import Report
from rapidserve_client.sending import Sender
from rapidserve_client.server import Server
from rapidserve_client.workers import Workers


def main(typed: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    for stream in (sys.stdout, sys.stderr):
        _never_choke(stream)
    given = arguments.parser().parse_args(typed)
    halt = Halt()
    stop_on_signals(halt)
    try:
        code = _COMMANDS[given.command](given, halt)
        sys.stdout.flush()
    except ClientError as error:
        halt.set()
        print(f"rapidserve: {printable(error.message)}", file=sys.stderr)
        return error.exit_code
    except Stopped as stopped:
        print(f"Interrupted. {CONTINUE}", file=sys.stderr)
        return stopped.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _never_choke(stream: TextIO) -> None:
    """Names that the terminal's encoding lacks are escaped; they must not end the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")


def _login(given: argparse.Namespace, halt: Halt) -> int:
    done = account.log_in(given.url, given.username, halt, password_from_stdin=given.password_stdin)
    print(done)
    return 0


def _logout(given: argparse.Namespace, halt: Halt) -> int:
    print(account.log_out(given.server, halt))
    return 0


def _put(given: argparse.Namespace, halt: Halt) -> int:
    target = RemotePath.parse(given.remote)

    def put(tree: Tree, workers: Workers, report: Report) -> None:
        sender = Sender(tree.server, workers, report, checksum=given.checksum)
        Putting(tree, sender).run(given.paths, target)

    return _transfer(given, halt, "sent", put)


def _get(given: argparse.Namespace, halt: Halt) -> int:
    *remotes, local = given.paths if len(given.paths) > 1 else [*given.paths, "."]

    def get(tree: Tree, workers: Workers, report: Report) -> None:
        getting = Getting(tree, workers, report, checksum=given.checksum, force=given.force)
        getting.run(remotes, local)

    return _transfer(given, halt, "fetched", get)


def _transfer(
    given: argparse.Namespace,
    halt: Halt,
    verb: str,
    transfer: Callable[[Tree, Workers, Report], None],
) -> int:
    """Threads and a display around `transfer`, and a summary after it."""
    workers = Workers(given.parallel)
    display = _display(quiet=given.quiet or given.json)
    lines = not (given.quiet or given.json or sys.stderr.isatty())
    report = Report(verb, display, halt, prints_lines=lines)
    try:
        with _server(given, halt) as server:
            transfer(tree_of(server, given.space), workers, report)
    except Unreachable as error:
        raise Unreachable(f"{error.message} {CONTINUE}") from error
    except BaseException:
        halt.set()
        raise
    finally:
        display.close()
        workers.close()
    if given.json:
        print(report.as_json())
    elif not given.quiet:
        print(report.summary())
    return report.exit_code


def _display(*, quiet: bool) -> Display:
    if quiet:
        return Quiet()
    if not sys.stderr.isatty():
        return Lines()
    from rapidserve_client.bars import Bars  # noqa: PLC0415 - takes as long to load as `ls` to run

    return Bars()


def _ls(given: argparse.Namespace, halt: Halt) -> int:
    with _tree(given, halt) as tree:
        browse.print_entries(tree, given.path, long=given.long, as_json=given.json)
    return 0


def _spaces(given: argparse.Namespace, halt: Halt) -> int:
    with _server(given, halt) as server:
        browse.print_spaces(server.spaces(), as_json=given.json)
    return 0


def _mkdir(given: argparse.Namespace, halt: Halt) -> int:
    with _tree(given, halt) as tree:
        browse.make_folders(tree, given.paths)
    return 0


def _mv(given: argparse.Namespace, halt: Halt) -> int:
    with _tree(given, halt) as tree:
        browse.move(tree, given.paths, given.target)
    return 0


def _rm(given: argparse.Namespace, halt: Halt) -> int:
    report = Report("removed", Quiet(), halt)
    with _tree(given, halt) as tree:
        browse.remove(tree, given.paths, report, recursive=given.recursive, forever=given.forever)
    return report.exit_code


def _share(given: argparse.Namespace, halt: Halt) -> int:
    if given.remove and not given.name:
        raise UsageError("Say from whom it is to be taken back.")
    with _tree(given, halt) as tree:
        if not given.name:
            sharing.print_access(tree, given.path, as_json=given.json)
        elif given.remove:
            sharing.take_back(tree, given.path, given.name)
        else:
            sharing.give(tree, given.path, given.name, given.role, given.until)
    return 0


def _link(given: argparse.Namespace, halt: Halt) -> int:
    sharing.refuse_together([("--list", given.list), ("--revoke", given.revoke)])
    password = sys.stdin.readline().rstrip("\n") if given.password_stdin else None
    with _tree(given, halt) as tree:
        if given.list:
            sharing.print_links(tree, given.path, as_json=given.json)
        elif given.revoke:
            tree.server.revoke_link(given.revoke)
        else:
            limits: dict[str, object] = {
                "password": password,
                "expires_at": sharing.end_of(given.until),
                "max_downloads": given.downloads,
            }
            sharing.make_link(tree, given.path, given.role, limits, as_json=given.json)
    return 0


@contextmanager
def _tree(given: argparse.Namespace, halt: Halt) -> Iterator[Tree]:
    with _server(given, halt) as server:
        yield tree_of(server, given.space)


@contextmanager
def _server(given: argparse.Namespace, halt: Halt) -> Iterator[Server]:
    access = credentials.access(given.server)
    parallel = getattr(given, "parallel", 1)
    connection = Connection(access.address, access.token, halt, parallel=parallel)
    try:
        yield Server(connection)
    except NotSignedIn as error:
        raise NotSignedIn(
            f"{error.message} Run: rapidserve login {access.address}", status=error.status
        ) from error
    finally:
        connection.close()


_COMMANDS: Final[dict[str, Callable[[argparse.Namespace, Halt], int]]] = {
    "login": _login,
    "logout": _logout,
    "put": _put,
    "get": _get,
    "ls": _ls,
    "mkdir": _mkdir,
    "mv": _mv,
    "rm": _rm,
    "spaces": _spaces,
    "share": _share,
    "link": _link,
}
