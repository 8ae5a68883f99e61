"""`manage.py export_audit`: the audit log as JSON lines, on standard output."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from files.journal.audit import as_json, lines_of
from files.models import AuditHead


class Command(BaseCommand):
    help = "Print the audit log as JSON lines, chain by chain, each in its order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--space", help="the chain of this space only")

    def handle(self, *_args: Any, space: str | None, **_options: Any) -> None:
        for chain in _chains(space):
            for line in lines_of(chain):
                self.stdout.write(as_json(line))


def _chains(space: str | None) -> list[UUID]:
    if space is None:
        return list(AuditHead.objects.order_by("id").values_list("id", flat=True))
    try:
        return [UUID(space)]
    except ValueError:
        raise CommandError(f"{space} is no id of a space.") from None
