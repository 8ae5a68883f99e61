"""What can be typed: commands, their arguments, and the help about them."""

import argparse
from typing import Final, Protocol

from rapidserve_client import __version__

PARALLEL: Final = 8
MAX_PARALLEL: Final = 64
ROLES: Final = ("previewer", "viewer", "editor", "manager", "owner")
LINK_ROLES: Final = ("download", "view", "upload")
EPILOG: Final = """
exit codes:
  0 all went well    1 something failed    2 wrong usage    3 not signed in
  4 not found        5 no connection       130 interrupted (143: by SIGTERM)
"""


class _Commands(Protocol):
    """What add_subparsers gives; argparse has no public name for it."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - argparse calls it so
        description: str,
        parents: list[argparse.ArgumentParser],
    ) -> argparse.ArgumentParser: ...


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="rapidserve",
        description="Put files into RapidServe and get them out again.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"rapidserve-client {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_account(commands)
    _add_put(commands)
    _add_get(commands)
    _add_browsing(commands)
    _add_changing(commands)
    _add_sharing(commands)
    return top


def _add_account(commands: _Commands) -> None:
    login = _command(commands, "login", "sign in to a server, and remember it")
    login.add_argument("url", metavar="URL", help="such as https://files.example.com")
    login.add_argument("--username", help="asked for when left out")
    login.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    logout = _command(commands, "logout", "revoke the token and forget it")
    _add_server(logout)


def _add_put(commands: _Commands) -> None:
    put = _command(
        commands,
        "put",
        "upload files and folders",
        "Uploads files and folders. What is there already is not sent again. A folder goes into"
        " REMOTE, with a slash at its end what is in it does. Missing folders are made.",
    )
    put.add_argument("paths", nargs="+", metavar="FILE", help="file or folder; - for stdin")
    put.add_argument("remote", metavar="REMOTE", help="such as Projects/film, or / for the top")
    _add_transfer(put)


def _add_get(commands: _Commands) -> None:
    get = _command(
        commands,
        "get",
        "download files and folders",
        "Downloads files and folders into LOCAL, or a single file under that name; into the current"
        " folder when only REMOTE is given. What is here already is not fetched again.",
    )
    get.add_argument(
        "paths", nargs="+", metavar="REMOTE… [LOCAL]", help="paths there, and a place here"
    )
    get.add_argument("--force", action="store_true", help="replace files here that differ")
    _add_transfer(get)


def _add_browsing(commands: _Commands) -> None:
    ls = _command(commands, "ls", "list a folder")
    ls.add_argument("path", nargs="?", default="/", metavar="REMOTE")
    ls.add_argument("-l", "--long", action="store_true", help="with size and time")
    _add_json(ls)
    _add_place(ls)
    spaces = _command(commands, "spaces", "list the spaces you may use")
    _add_json(spaces)
    _add_server(spaces)


def _add_changing(commands: _Commands) -> None:
    mkdir = _command(commands, "mkdir", "make folders, with all above them")
    mkdir.add_argument("paths", nargs="+", metavar="REMOTE")
    _add_place(mkdir)
    mv = _command(commands, "mv", "rename, or move into a folder")
    mv.add_argument("paths", nargs="+", metavar="REMOTE")
    mv.add_argument("target", metavar="TARGET")
    _add_place(mv)
    rm = _command(commands, "rm", "move into the trash")
    rm.add_argument("paths", nargs="+", metavar="REMOTE")
    rm.add_argument("-r", "--recursive", action="store_true", help="folders, with all in them")
    rm.add_argument("--forever", action="store_true", help="for good, past the trash")
    _add_place(rm)


def _add_sharing(commands: _Commands) -> None:
    share = _command(
        commands,
        "share",
        "say who has access, give it, or take it back",
        "Gives a person or a group a role on REMOTE and everything below it, in place of one they"
        " have there. Without NAME it says who has access.",
    )
    share.add_argument("path", metavar="REMOTE")
    share.add_argument("name", nargs="?", metavar="NAME", help="a user name, or a group's")
    share.add_argument("--role", choices=ROLES, default="viewer", help="viewer if left out")
    share.add_argument("--until", metavar="DAY", help="the last day, such as 2026-12-31")
    share.add_argument("--remove", action="store_true", help="take back what was given here")
    _add_json(share)
    _add_place(share)
    link = _command(
        commands,
        "link",
        "make a public link, list them, or revoke one",
        "Makes a link to REMOTE and prints its address. Whoever has it needs no account.",
    )
    link.add_argument("path", metavar="REMOTE")
    link.add_argument("--role", choices=LINK_ROLES, default="download", help="download if left out")
    link.add_argument("--until", metavar="DAY", help="the last day, such as 2026-12-31")
    link.add_argument("--downloads", type=int, metavar="N", help="how many, at most")
    link.add_argument(
        "--password-stdin", action="store_true", help="read a password from standard input"
    )
    link.add_argument("--list", action="store_true", help="list the links to REMOTE")
    link.add_argument("--revoke", metavar="ID", help="revoke the link with this id")
    _add_json(link)
    _add_place(link)


def _add_transfer(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--checksum",
        action="store_true",
        help="compare contents even when size and time are equal",
    )
    command.add_argument(
        "--parallel",
        type=_parallel,
        default=PARALLEL,
        metavar="N",
        help=f"files, and chunks, at once (1 to {MAX_PARALLEL}; {PARALLEL})",
    )
    command.add_argument("-q", "--quiet", action="store_true", help="say only what went wrong")
    _add_json(command)
    _add_place(command)


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument("--space", help="name or id of the space; your personal one if left out")
    _add_server(command)


def _add_server(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--server", metavar="URL", help="instead of RAPIDSERVE_URL or the last login"
    )


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="answer in JSON, for scripts")


def _command(
    commands: _Commands, name: str, purpose: str, description: str = ""
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=purpose, description=description or f"{purpose.capitalize()}.", parents=[]
    )


def _parallel(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_PARALLEL:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MAX_PARALLEL}")
    return number
