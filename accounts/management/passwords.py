"""Where the commands get a new password from: the command line, the terminal, or chance."""

import getpass
import secrets
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser


def add_password_arguments(parser: CommandParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--password", help="Other people on this machine may see it; left out, you are asked."
    )
    source.add_argument(
        "--generate", action="store_true", help="Make up a password and print it once."
    )


def password_from(options: dict[str, Any]) -> str:
    """Raises CommandError when there is no way to get one."""
    if options["password"] is not None:
        return str(options["password"])
    if options["generate"]:
        return secrets.token_urlsafe(15)
    if not sys.stdin.isatty():
        raise CommandError("Nobody to ask for a password: use --password or --generate.")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Again: "):
        raise CommandError("The two passwords differ.")
    return password
