"""`manage.py probe_node NAME`: find out what a bucket's endpoint enforces, and remember it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from files.chunkstore import registry
from files.chunkstore.errors import ChunkStoreError
from files.management.registration import register_node
from files.models import Node


class Command(BaseCommand):
    help = (
        "Try out what the endpoint of a node enforces. Setting a node up does it by itself; "
        "do it again when the endpoint's version has changed."
    )
    requires_system_checks = ()  # a node that fails is what is looked at

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the node's name in RAPIDSERVE_NODES")

    def handle(self, *_args: Any, name: str, **_options: Any) -> None:
        if name not in registry.nodes() or not Node.objects.filter(name=name).exists():
            raise CommandError(f"There is no node {name} that was set up here.")
        try:
            mode = register_node(name)
        except ChunkStoreError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{name}: integrity_mode {mode}."
            if mode
            else f"{name} is a directory: nothing to find."
        )
