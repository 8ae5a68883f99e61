"""The row of a node, with what was found out about it. Used by every way to set one up."""

from collections.abc import Iterator

from django.conf import settings

from files.chunkstore import registry
from files.chunkstore.bucket import PageMethod
from files.chunkstore.errors import ChunkStoreError
from files.content.topology import direct_nodes
from files.models import Node
from rapidserve.db import current_time


def register_node(name: str) -> str:
    """Probe the node and note its integrity mode, which is returned.

    ChunkStoreError for one that must not be used: nothing is noted then.
    """
    mode = registry.probe(name)
    found = {"integrity_mode": mode, "probed_at": current_time() if mode else None}
    Node.objects.update_or_create(name=name, defaults=found)
    return mode


def admit_pages(name: str) -> str:
    """Let this installation's pages use the node's bucket; what is to be done by hand, or "".

    Believed when the store answers as a browser would want it to; until then pages go through
    this server. Programs need no leave to send; to be led to the bucket, nobody can be told apart.
    """
    node = registry.nodes()[name]
    methods = [*_methods(name)]
    if node.bucket is None or not methods:
        return ""
    bucket = node.bucket
    # Here, not above: boto3 takes 25 MB, which only those with a bucket shall pay.
    from files.chunkstore import probe  # noqa: PLC0415

    origins = settings.PAGE_ORIGINS
    try:
        bucket.admit(origins, methods)
    except ChunkStoreError as error:
        problem = f" {error}"
    else:
        problem = ""
    try:
        admits = all(probe.admits(bucket, origin, methods) for origin in origins)
    except ChunkStoreError as error:  # what was seen before is still true, for all we know
        return f"{bucket.bucket} can't be asked whether browsers may use it: {error}"
    Node.objects.filter(name=name).update(admits_pages=admits)
    if admits:
        return ""
    return (
        f"Browsers go through this server until the CORS rules of {bucket.bucket} allow"
        f" {' and '.join(methods)} with all headers from {', '.join(origins)}.{problem}"
    )


def _methods(name: str) -> Iterator[PageMethod]:
    if registry.nodes()[name].config.redirect:
        yield "GET"
    if name in direct_nodes():
        yield "PUT"
