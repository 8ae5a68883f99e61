"""How long finding out takes which of 10,000 announced hashes a space holds. Prints milliseconds.

The one module here that looks inside: 10,000 chunks take 40 GB through the protocol, so rows and
objects of one byte each are put there directly. Runs on the installation that the settings name,
which must be new: bench.databases starts it, once for each database.
"""

import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - after Django is set up

from accounts.actions import create_user  # noqa: E402 - likewise
from files.actions.spaces import create_personal_space  # noqa: E402 - likewise
from files.chunkstore import registry  # noqa: E402 - likewise
from files.content.writer import ChunkSpec, held_in_space  # noqa: E402 - likewise
from files.models import Chunk, Extent, Replica, Space, Version  # noqa: E402 - likewise
from rapidserve.db import current_time  # noqa: E402 - likewise

HASHES = 10_000
PAGE = 1000
ROUNDS = 5


def main() -> int:
    call_command("migrate", interactive=False, verbosity=0)
    [node] = registry.nodes().values()
    registry.setup(node.config)
    user = create_user(username="bench", password="for the bench only")  # noqa: S106 - lives shortly
    space = Space.objects.filter(owner=user).first() or create_personal_space(user=user)
    specs = _fill(space, node)
    figures = {
        "hashes": _median(specs, lambda page: len(_extents_with(space, page))),
        "whole": _median(specs, lambda page: len(held_in_space(space.id, page))),
    }
    print(json.dumps(figures))
    return 0


def _fill(space: Space, node: registry.Node) -> list[ChunkSpec]:
    """A committed version of HASHES chunks, each with its object."""
    now = current_time()
    contents = [str(number).encode() for number in range(HASHES)]
    specs = [ChunkSpec(hashlib.sha256(each).hexdigest(), len(each)) for each in contents]
    version = Version.objects.create(
        space=space,
        state=Version.State.COMMITTED,
        size=sum(spec.size for spec in specs),
        content_type="application/octet-stream",
        created_at=now,
        created_by=space.owner,
    )
    chunks = Chunk.objects.bulk_create(
        Chunk(sha256=spec.sha256, size=spec.size, state=Chunk.State.LIVE, node=node.config.name)
        for spec in specs
    )
    Replica.objects.bulk_create(
        Replica(chunk=each, node=each.node, verified_at=now, verified_how="hashed")
        for each in chunks
    )
    Extent.objects.bulk_create(
        Extent(
            version=version,
            index=index,
            chunk=each,
            length=each.size,
            sha256=each.sha256,
            space=space,
        )
        for index, each in enumerate(chunks)
    )
    for each, content in zip(chunks, contents, strict=True):
        writer = node.backend.writer(each.key, size=each.size, sha256=each.sha256)
        writer.write(content)
        writer.commit()
    return specs


def _extents_with(space: Space, page: Sequence[ChunkSpec]) -> list[object]:
    """The question to the database alone."""
    rows = Extent.objects.filter(space=space, sha256__in={spec.sha256 for spec in page})
    return list(rows.values_list("sha256", "version_id", "chunk_id").distinct())


def _median(specs: Sequence[ChunkSpec], ask: Callable[[Sequence[ChunkSpec]], int]) -> float:
    """Milliseconds for all of them, in the pages that one call takes."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = sum(ask(specs[start : start + PAGE]) for start in range(0, HASHES, PAGE))
        taken.append(1000 * (time.perf_counter() - began))
        if found != HASHES:
            sys.exit(f"bench: {found} of {HASHES} hashes were found.")
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main())
