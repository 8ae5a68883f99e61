"""`manage.py work`: the job worker alone, beside web servers elsewhere."""

from typing import Any

from django.core.management.base import BaseCommand

from files.management import preparation
from files.management.running import become_supervisor


class Command(BaseCommand):
    help = "Do background jobs until stopped, for web servers that run `serve --without-worker`."
    requires_system_checks = ()  # run below, so that each problem is one line

    def handle(self, *_args: Any, **_options: Any) -> None:
        preparation.stop_quietly()
        with preparation.one_line_refusals():
            lock = preparation.lock_home()
            preparation.refuse_unprepared()
        become_supervisor(lock, "--without-web")
