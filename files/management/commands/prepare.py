"""`manage.py prepare`: what `serve` does before it serves, and no more."""

from typing import Any

from django.core.management.base import BaseCommand

from files.management import preparation


class Command(BaseCommand):
    help = "Prepare this installation: keys, tables, nodes, the owner's account. Then end."
    requires_system_checks = ()  # run below, so that each problem is one line

    def handle(self, *_args: Any, **_options: Any) -> None:
        preparation.stop_quietly()
        with preparation.one_line_refusals(), preparation.home_to_itself():
            preparation.prepare(self._say)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # making keys replaces this process, buffers and all
