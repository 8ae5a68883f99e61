"""`manage.py setup_node NAME`: make a directory the node that RAPIDSERVE_NODES says it is."""

from argparse import ArgumentParser
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from files.chunkstore import registry
from files.chunkstore.errors import ChunkStoreError
from files.management.registration import admit_pages, register_node
from files.models import Chunk

PAGE = 1000


class Command(BaseCommand):
    help = (
        "Prepare a node's directory or bucket: a new one in place of a lost one, or one of another "
        "installation. `serve` does it by itself for nodes it sees for the first time."
    )

    requires_system_checks = ()  # that the node is missing is what they would say

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the node's name in RAPIDSERVE_NODES")
        parser.add_argument(
            "--take-over",
            action="store_true",
            help="also when there are chunks that this database does not know; "
            "garbage collection removes them later",
        )

    def handle(self, *_args: Any, name: str, take_over: bool, **_options: Any) -> None:
        node = registry.nodes().get(name)
        if node is None:
            raise CommandError(f"RAPIDSERVE_NODES has no node {name}.")
        try:
            registry.setup(node.config)
            unknown = _unknown_objects(name)
        except ChunkStoreError as error:
            raise CommandError(str(error)) from error
        if unknown and not take_over:
            raise CommandError(
                f"{node.config.place} holds {unknown} chunks that this database knows nothing "
                "of. Restore their database, or say --take-over: they are removed then."
            )
        try:
            register_node(name)
        except ChunkStoreError as error:
            raise CommandError(str(error)) from error
        if problem := admit_pages(name):
            self.stderr.write(problem)
        self.stdout.write(f"{name} is ready in {node.config.place}.")


def _unknown_objects(name: str) -> int:
    stored = registry.node(name).list()
    unknown = 0
    while keys := {found.key for found in islice(stored, PAGE)}:
        unknown += len(keys) - Chunk.objects.filter(key__in=keys).count()
    return unknown
