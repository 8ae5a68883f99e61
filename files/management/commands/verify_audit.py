"""`manage.py verify_audit`: was the audit log tampered with?"""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from files.journal.audit import problems
from files.models import AuditHead

TAMPERED = 1


class Command(BaseCommand):
    help = (
        "Read every chain of the audit log from its beginning. Prints where each one ends: note it"
        " somewhere else, and a later run must still have that line. Exit code 1: tampered with."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        found = list(problems())
        for problem in found:
            self.stdout.write(f"tampered: {problem}")
        for head in AuditHead.objects.order_by("id"):
            self.stdout.write(f"{head.id} {head.seq} {head.digest}")
        if found:
            sys.exit(TAMPERED)
