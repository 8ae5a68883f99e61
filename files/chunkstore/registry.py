"""The nodes of this installation, ready to use. The only module here that reads settings.

What RAPIDSERVE_NODES may say is in files.chunkstore.config.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from os.path import realpath
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.conf import settings

from files.chunkstore.backend import Backend
from files.chunkstore.backends import local
from files.chunkstore.bucket import Bucket
from files.chunkstore.config import NodeConfig, parse_nodes, refuse_shared
from files.chunkstore.errors import NodeError, NodeOffline
from files.chunkstore.keyring import KeyRing
from files.chunkstore.metered import Metered
from files.chunkstore.sealed import Sealed
from rapidserve.env import SettingError

if TYPE_CHECKING:
    from files.chunkstore.backends.s3 import S3Backend


@dataclass(frozen=True, slots=True)
class Node:
    """A node and the one backend through which this process talks to it.

    `bucket`: what others than this process might be led to: the bucket of a node that does not
    seal. None for one that does, and for a directory.
    """

    config: NodeConfig
    backend: Metered
    bucket: "S3Backend | None" = None


_lock = Lock()
_built: dict[str, Mapping[str, Node]] = {}
_origins: dict[str, tuple[str, ...]] = {}


def nodes() -> Mapping[str, Node]:
    """Every node by name, in the order of the settings; built once for each process.

    SettingError when the settings can't be meant, or ask for sealing without a master key.
    """
    with _lock:
        if "nodes" not in _built:
            _built["nodes"] = MappingProxyType(_build(parse_nodes(settings.NODES)))
        return _built["nodes"]


def node(name: str) -> Backend:
    """The backend of one node. A node that left the settings is NodeOffline, like a lost disk."""
    found = nodes().get(name)
    if found is None:
        raise NodeOffline(f"{name} is not in RAPIDSERVE_NODES.")
    return found.backend


def setup(config: NodeConfig) -> None:
    """Mark the node's directory or bucket as its own. NodeError when it is something else's."""
    if isinstance(config.place, Bucket):
        # Here, not above: boto3 takes 25 MB, which only those with a bucket shall pay.
        from files.chunkstore.backends import s3  # noqa: PLC0415

        s3.setup(config.place, config.name)
    else:
        local.setup(config.place, config.name)


def probe(name: str) -> str:
    """What the endpoint of a bucket enforces; "" for a directory. NodeError: it must not be used.

    Raises KeyError for a name that is not in the settings.
    """
    config = nodes()[name].config
    if not isinstance(config.place, Bucket):
        return ""
    from files.chunkstore.backends.s3 import S3Backend  # noqa: PLC0415 - as above
    from files.chunkstore.probe import classify  # noqa: PLC0415 - likewise

    return classify(S3Backend(name, config.place)).value


def bucket_origins() -> tuple[str, ...]:
    """Where pages may be led with chunks, beside this server; worked out once for each process."""
    found = nodes()
    with _lock:
        if "origins" not in _origins:
            buckets = [
                node.bucket
                for node in found.values()
                if node.bucket and (node.config.direct or node.config.redirect)
            ]
            try:
                _origins["origins"] = tuple(dict.fromkeys(bucket.origin() for bucket in buckets))
            except NodeError:  # no credentials now: no address can be signed either
                return ()
        return _origins["origins"]


def reset() -> None:
    """Forget the nodes that were built. For tests that change the settings."""
    with _lock:
        _built.clear()
        _origins.clear()


def _build(configs: tuple[NodeConfig, ...]) -> dict[str, Node]:
    # Once more with the disk in view: a symbolic link may lead to another node's directory.
    refuse_shared(
        (config.name, Path(realpath(config.place)))
        for config in configs
        if isinstance(config.place, Path)
    )
    ring = KeyRing(settings.MASTER_KEYS)
    for config in configs:
        if config.seal and not ring:
            raise SettingError(
                f"RAPIDSERVE_NODES: {config.name} seals its chunks, but there is no master key. "
                "Set RAPIDSERVE_MASTER_KEYS, or seal=off."
            )
    return {config.name: _node(config, ring) for config in configs}


def _node(config: NodeConfig, ring: KeyRing) -> Node:
    if not isinstance(config.place, Bucket):
        directory = local.LocalBackend(config.name, config.place)
        return Node(config, Metered(Sealed(directory, ring, seal_new=config.seal)))
    from files.chunkstore.backends.s3 import S3Backend  # noqa: PLC0415 - as above

    bucket = S3Backend(config.name, config.place)
    backend = Metered(Sealed(bucket, ring, seal_new=config.seal))
    return Node(config, backend, bucket=None if config.seal else bucket)
