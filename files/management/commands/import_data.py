"""`manage.py import_data DIRECTORY`: what `export_data` wrote, into a new installation."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from files.exchange.incoming import check, import_
from files.exchange.manifest import ExchangeError, Manifest
from files.management import preparation


class Command(BaseCommand):
    help = (
        "Take over an export, into an installation that nobody has used. Prepares keys, tables "
        "and nodes by itself. Broken off, it goes on when run again."
    )
    requires_system_checks = ()  # run below, so that each problem is one line

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="what `export_data` wrote")

    def handle(self, *_args: Any, directory: Path, **_options: Any) -> None:
        with preparation.one_line_refusals(), preparation.home_to_itself():
            try:
                found = check(directory)
                self._prepare(found)
                import_(directory, found, self.stdout.write)
            except ExchangeError as error:
                raise CommandError(str(error)) from error
        self.stdout.write("Everything is here, row by row and chunk by chunk.")

    def _prepare(self, found: Manifest) -> None:
        """Nodes whose chunks stay where they are come with their rows, not as new ones."""
        preparation.refuse_problems()
        preparation.make_keys(self.stdout.write)
        preparation.make_tables()
        if found.contents:
            preparation.set_up_nodes(self.stdout.write)
