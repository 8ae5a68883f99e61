"""The row of a node, with what was found out about it. Used by every way to set one up."""

from django.conf import settings

from files.chunkstore import registry
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
    """Let this installation's pages send to the node's bucket; what is to be done by hand, or "".

    Believed when the store answers as a browser would want it to; until then pages send through
    this server. Programs need no leave.
    """
    bucket = direct_nodes().get(name)
    if bucket is None:
        return ""
    # Here, not above: boto3 takes 25 MB, which only those with a bucket shall pay.
    from files.chunkstore import probe  # noqa: PLC0415

    origins = settings.PAGE_ORIGINS
    try:
        bucket.admit(origins)
    except ChunkStoreError as error:
        problem = f" {error}"
    else:
        problem = ""
    try:
        admits = all(probe.admits(bucket, origin) for origin in origins)
    except ChunkStoreError as error:  # what was seen before is still true, for all we know
        return f"{bucket.bucket} can't be asked whether browsers may send to it: {error}"
    Node.objects.filter(name=name).update(admits_pages=admits)
    if admits:
        return ""
    return (
        f"Browsers send through this server until the CORS rules of {bucket.bucket} allow PUT with"
        f" all headers from {', '.join(origins)}.{problem}"
    )
