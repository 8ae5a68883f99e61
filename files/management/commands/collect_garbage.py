"""`manage.py collect_garbage`: remove the chunks that no file needs, now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from files.content.collect import collect


class Command(BaseCommand):
    help = "Remove chunks that no file needs. Safe beside a running server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would go and change nothing"
        )

    def handle(self, *_args: Any, dry_run: bool, **_options: Any) -> None:
        try:
            gone = collect(dry_run=dry_run)
        except DatabaseError as error:
            raise CommandError(f"The database can't be used: {error}") from error
        prefix = "would have " if dry_run else ""
        self.stdout.write(f"{prefix}deleted {gone.chunks} chunks, {gone.bytes} bytes")
        if gone.strays:
            self.stdout.write(f"deleted {gone.strays} objects that belonged to nothing")
