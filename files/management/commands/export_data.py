"""`manage.py export_data DIRECTORY`: the whole installation as files, to be imported elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from files.exchange.manifest import ExchangeError
from files.exchange.outgoing import export
from files.management import preparation


class Command(BaseCommand):
    help = (
        "Write this installation to files that `import_data` reads, whatever the database and the "
        "nodes. Stop everything that serves it before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="new, empty, or of an export broken off")
        parser.add_argument(
            "--without-chunks",
            action="store_true",
            help="rows only: the importing installation is given the same nodes",
        )

    def handle(self, *_args: Any, directory: Path, without_chunks: bool, **_options: Any) -> None:
        with preparation.one_line_refusals(), preparation.home_to_itself():
            self._export(directory, with_contents=not without_chunks)

    def _export(self, directory: Path, *, with_contents: bool) -> None:
        try:
            done = export(directory, with_contents=with_contents, say=self.stdout.write)
        except ExchangeError as error:
            raise CommandError(str(error)) from error
        for what, count in done.left_out.items():
            if count:
                self.stdout.write(f"Left out: {count} {what}.")
        self.stdout.write(f"The export in {directory} is whole.")
