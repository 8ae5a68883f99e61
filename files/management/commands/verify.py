"""`manage.py verify`: is every file whole, and do the rows agree with each other and the nodes?"""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from files.chunkstore.errors import NodeError
from files.content.verify import verify
from rapidserve.errors import Unavailable

DAMAGED = 1
COULD_NOT_RUN = 2


class Command(BaseCommand):
    help = "Compare rows, objects and sizes. Exit code 0: clean, 1: damage found, 2: could not run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--deep", action="store_true", help="read every chunk and compare its SHA-256 as well"
        )

    def handle(self, *_args: Any, deep: bool, **_options: Any) -> None:
        damage = leftovers = 0
        try:
            for finding in verify(deep=deep):
                damage += finding.is_damage
                leftovers += not finding.is_damage
                self.stdout.write(
                    f"{'damage' if finding.is_damage else 'leftover'}: {finding.text}"
                )
        except (DatabaseError, NodeError, Unavailable) as error:
            self.stderr.write(f"Could not verify everything: {error}")
            sys.exit(COULD_NOT_RUN)
        self.stdout.write(f"{damage} damaged, {leftovers} left over")
        if damage:
            sys.exit(DAMAGED)
