"""The nodes of this installation, from RAPIDSERVE_NODES. The only module here that reads settings.

    name=file:///absolute/path?weight=1&domain=rack1&seal=on; name=file:///…

- name: 1 to 32 of a-z, 0-9 and "-"; rows in the database refer to it, so it must not change.
- weight (1): the share of new chunks a node takes, in proportion to the others.
- domain (the node's name): nodes that fail together share one; copies go to different domains.
- seal (on): encrypt new chunks at rest. Chunks that are there stay readable either way.

A path may be percent-encoded, and must be where it holds "?", "#", ";" or "%".
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os.path import realpath
from pathlib import Path, PurePosixPath
from threading import Lock
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.conf import settings

from files.chunkstore.backend import Backend
from files.chunkstore.backends.local import LocalBackend
from files.chunkstore.errors import NodeOffline
from files.chunkstore.keyring import KeyRing
from files.chunkstore.metered import Metered
from files.chunkstore.sealed import Sealed
from rapidserve.env import SettingError

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_DOMAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WEIGHT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_PARAMETERS: Final = {"weight", "domain", "seal"}


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What the settings say about a node. `directory` is absolute and has no ".." in it."""

    name: str
    directory: Path
    weight: float
    domain: str
    seal: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A node and the one backend through which this process talks to it."""

    config: NodeConfig
    backend: Metered


_lock = Lock()
_built: dict[str, Mapping[str, Node]] = {}


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


def reset() -> None:
    """Forget the nodes that were built. For tests that change the settings."""
    with _lock:
        _built.clear()


def parse_nodes(text: str) -> tuple[NodeConfig, ...]:
    """The nodes that a RAPIDSERVE_NODES text describes; SettingError with one line otherwise."""
    configs = tuple(_parse_node(item.strip()) for item in text.split(";") if item.strip())
    if not configs:
        raise SettingError("RAPIDSERVE_NODES names no node.")
    names: set[str] = set()
    for config in configs:
        if config.name in names:
            raise SettingError(f"RAPIDSERVE_NODES names the node {config.name} twice.")
        names.add(config.name)
    _refuse_shared((config.name, config.directory) for config in configs)
    return configs


def _refuse_shared(directories: Iterable[tuple[str, Path]]) -> None:
    """Two copies of a chunk in one directory are one copy."""
    owners: dict[Path, str] = {}
    for name, directory in directories:
        owner = owners.setdefault(directory, name)
        if owner != name:
            raise SettingError(f"RAPIDSERVE_NODES: {owner} and {name} are the same directory.")


def _build(configs: tuple[NodeConfig, ...]) -> dict[str, Node]:
    # Once more with the disk in view: a symbolic link may lead to another node's directory.
    _refuse_shared((config.name, Path(realpath(config.directory))) for config in configs)
    ring = KeyRing(settings.MASTER_KEYS)
    for config in configs:
        if config.seal and not ring:
            raise SettingError(
                f"RAPIDSERVE_NODES: {config.name} seals its chunks, but there is no master key. "
                "Set RAPIDSERVE_MASTER_KEYS, or seal=off."
            )
    return {
        config.name: Node(
            config,
            Metered(
                Sealed(LocalBackend(config.name, config.directory), ring, seal_new=config.seal)
            ),
        )
        for config in configs
    }


def _parse_node(item: str) -> NodeConfig:
    name, equals, address = (part.strip() for part in item.partition("="))
    if not equals or not _NAME.fullmatch(name):
        raise SettingError(
            f"RAPIDSERVE_NODES: {item[:40]!r} must begin with name= (1 to 32 of a-z, 0-9, -)."
        )
    try:
        url = urlsplit(address)
    except ValueError:
        raise _refusal(name, "its address is not a URL") from None
    if url.scheme != "file":
        raise _refusal(name, f"{url.scheme[:20] or 'an address without a scheme'} is not supported")
    parameters = _parameters(name, url)
    return NodeConfig(
        name=name,
        directory=_directory(name, url),
        weight=_weight(name, parameters.get("weight", "1")),
        domain=_domain(name, parameters.get("domain", name)),
        seal=_seal(name, parameters.get("seal", "on")),
    )


def _directory(name: str, url: SplitResult) -> Path:
    """Normal form without a look at the disk, so that two spellings of one directory are found."""
    path = PurePosixPath(unquote(url.path))
    if url.netloc or not path.is_absolute() or url.fragment:
        raise _refusal(name, "its path must be absolute: file:///srv/chunks")
    if ".." in path.parts or "\0" in str(path) or len(path.parts) == 1:
        raise _refusal(name, "its path must name a directory, without ..")
    return Path("/", *path.parts[1:])


def _parameters(name: str, url: SplitResult) -> dict[str, str]:
    try:
        pairs = parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    except ValueError:
        raise _refusal(name, "its parameters must look like ?weight=1&seal=on") from None
    found: dict[str, str] = {}
    for parameter, value in pairs:
        if parameter not in _PARAMETERS:
            known = ", ".join(sorted(_PARAMETERS))
            raise _refusal(name, f"unknown parameter {parameter[:20]!r} (there are {known})")
        if parameter in found:
            raise _refusal(name, f"{parameter} is given twice")
        found[parameter] = value
    return found


def _weight(name: str, text: str) -> float:
    weight = float(text) if _WEIGHT.fullmatch(text) else math.nan
    if not weight > 0:
        raise _refusal(name, f"weight must be a number above 0, not {text[:20]!r}")
    return weight


def _domain(name: str, text: str) -> str:
    if not _DOMAIN.fullmatch(text):
        raise _refusal(name, "domain must be 1 to 64 letters, digits, dots, - or _")
    return text


def _seal(name: str, text: str) -> bool:
    if text not in {"on", "off"}:
        raise _refusal(name, f"seal must be on or off, not {text[:20]!r}")
    return text == "on"


def _refusal(name: str, why: str) -> SettingError:
    return SettingError(f"RAPIDSERVE_NODES: {name}: {why}.")
