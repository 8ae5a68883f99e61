"""What RAPIDSERVE_NODES says: the nodes of this installation, each a directory or a bucket. Pure.

    name=file:///absolute/path?weight=1&domain=rack1&seal=on; name=s3://bucket/prefix?endpoint=https://…

- name: 1 to 32 of a-z, 0-9 and "-"; rows in the database refer to it, so it must not change.
- weight (1): the share of new chunks a node takes, in proportion to the others.
- domain (the node's name): nodes that fail together share one; copies go to different domains.
- seal (on; of a bucket, off): encrypt new chunks before they are stored. Chunks that are there stay
  readable either way. Into a bucket that seals, bytes go through this server; into others clients
  send them themselves, where its endpoint proves them (files/chunkstore/probe.py).
- of a bucket that does not seal, direct (on): clients send to it themselves; off where they can't
  reach it. redirect (off): clients that download are led to it for whole chunks.
- of a bucket, endpoint, region and profile: as for every program that speaks S3; left out, boto3
  finds them in its own places, and there it finds the credentials. sse: what the store is asked to
  encrypt with, such as AES256.

A path may be percent-encoded, and must be where it holds "?", "#", ";" or "%".
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from files.chunkstore.bucket import Bucket
from rapidserve.env import SettingError

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_DOMAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WEIGHT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # the rules of S3 for names of buckets
_PREFIX = re.compile(r"[A-Za-z0-9._/-]{0,200}")
_WORD = re.compile(r"[A-Za-z0-9:._-]{1,100}")
_COMMON: Final = frozenset({"weight", "domain", "seal"})
_PARAMETERS: Final = {
    "file": _COMMON,
    "s3": _COMMON | {"endpoint", "region", "profile", "sse", "direct", "redirect"},
}

Place = Path | Bucket


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What the settings say about a node. A directory is absolute and has no ".." in it."""

    name: str
    place: Place
    weight: float
    domain: str
    seal: bool
    direct: bool = False
    redirect: bool = False


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
    refuse_shared((config.name, config.place) for config in configs)
    return configs


def refuse_shared(places: Iterable[tuple[str, Place]]) -> None:
    """Two copies of a chunk in one place are one copy."""
    owners: dict[Place, str] = {}
    for name, place in places:
        owner = owners.setdefault(place, name)
        if owner != name:
            raise SettingError(f"RAPIDSERVE_NODES: {owner} and {name} are the same place.")


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
    if url.scheme not in _PARAMETERS:
        raise _refusal(name, f"{url.scheme[:20] or 'an address without a scheme'} is not supported")
    parameters = _parameters(name, url)
    is_bucket = url.scheme == "s3"
    seal = _switch(name, parameters, "seal", default=not is_bucket)
    direct = _switch(name, parameters, "direct", default=is_bucket and not seal)
    redirect = _switch(name, parameters, "redirect", default=False)
    if seal and (direct or redirect):
        raise _refusal(name, "what is sealed goes through this server: no direct=on, redirect=on")
    return NodeConfig(
        name=name,
        place=_bucket(name, url, parameters) if is_bucket else _directory(name, url),
        weight=_weight(name, parameters.get("weight", "1")),
        domain=_domain(name, parameters.get("domain", name)),
        seal=seal,
        direct=direct,
        redirect=redirect,
    )


def _directory(name: str, url: SplitResult) -> Path:
    """Normal form without a look at the disk, so that two spellings of one directory are found."""
    path = PurePosixPath(unquote(url.path))
    if url.netloc or not path.is_absolute() or url.fragment:
        raise _refusal(name, "its path must be absolute: file:///srv/chunks")
    if ".." in path.parts or "\0" in str(path) or len(path.parts) == 1:
        raise _refusal(name, "its path must name a directory, without ..")
    return Path("/", *path.parts[1:])


def _bucket(name: str, url: SplitResult, parameters: dict[str, str]) -> Bucket:
    prefix = url.path.strip("/")
    if not _BUCKET.fullmatch(url.netloc) or url.fragment or not _PREFIX.fullmatch(prefix):
        raise _refusal(name, "a bucket looks like s3://bucket/prefix, without user or port")
    for parameter in ("region", "profile", "sse"):
        if not _WORD.fullmatch(parameters.get(parameter, "-")):
            raise _refusal(name, f"{parameter} is not one")
    return Bucket(
        name=url.netloc,
        prefix=f"{prefix}/" if prefix else "",
        endpoint=_endpoint(name, parameters["endpoint"]) if "endpoint" in parameters else None,
        region=parameters.get("region"),
        profile=parameters.get("profile"),
        sse=parameters.get("sse"),
    )


def _endpoint(name: str, text: str) -> str:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise _refusal(name, "endpoint is not a URL") from None
    extra = url.path.strip("/") or url.query or url.fragment or url.username or url.password
    if url.scheme not in {"http", "https"} or not url.hostname or extra:
        raise _refusal(name, "endpoint must look like https://s3.example.org:9000")
    return f"{url.scheme}://{url.netloc}"


def _parameters(name: str, url: SplitResult) -> dict[str, str]:
    try:
        pairs = parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    except ValueError:
        raise _refusal(name, "its parameters must look like ?weight=1&seal=on") from None
    found: dict[str, str] = {}
    for parameter, value in pairs:
        if parameter not in _PARAMETERS[url.scheme]:
            known = ", ".join(sorted(_PARAMETERS[url.scheme]))
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


def _switch(name: str, parameters: dict[str, str], which: str, *, default: bool) -> bool:
    text = parameters.get(which, "on" if default else "off")
    if text not in {"on", "off"}:
        raise _refusal(name, f"{which} must be on or off, not {text[:20]!r}")
    return text == "on"


def _refusal(name: str, why: str) -> SettingError:
    return SettingError(f"RAPIDSERVE_NODES: {name}: {why}.")
