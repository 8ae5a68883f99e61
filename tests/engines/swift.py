"""OpenStack Swift with its S3 interface, on one device: keeps real objects, checks everything.

Four processes out of .venv/s3servers: a proxy, and a server each for objects, containers, accounts.
"""

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.engines.ports import free_port
from tests.engines.s3servers import KEY, PROGRAMS, SECRET, running

KINDS = ("object", "container", "account")
PIPELINE = (
    "catch_errors proxy-logging cache bulk s3api tempauth copy slo dlo versioned_writes symlink"
    " proxy-logging proxy-server"
)
FILTERS = {
    "catch_errors": "",
    "proxy-logging": "",
    "cache": "",
    "bulk": "",
    "s3api": "location = us-east-1",
    "tempauth": f"user_{KEY.replace(':', '_')} = {SECRET} .admin",
    "copy": "",
    "slo": "",
    "dlo": "",
    "versioned_writes": "allow_object_versioning = true",
    "symlink": "",
}

ENTRY = {"proxy-logging": "proxy_logging", "cache": "memcache"}


@contextmanager
def swift(directory: Path) -> Iterator[str]:
    """Its address, while it runs. Objects lie in `directory`."""
    ports = {kind: free_port() for kind in (*KINDS, "proxy")}
    (directory / "devices" / "one").mkdir(parents=True)
    (directory / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n"
        "[storage-policy:0]\nname = one\ndefault = yes\n"
    )
    with ExitStack() as stack:
        for kind in KINDS:
            _make_ring(directory / f"{kind}.builder", ports[kind])
            configured = _common(directory, ports[kind]) + _server(kind)
            stack.enter_context(_started(directory, kind, ports[kind], configured))
        configured = _common(directory, ports["proxy"]) + _proxy()
        yield stack.enter_context(_started(directory, "proxy", ports["proxy"], configured))


@contextmanager
def _started(directory: Path, kind: str, port: int, configured: str) -> Iterator[str]:
    config = directory / f"{kind}.conf"
    config.write_text(configured)
    log = directory / kind
    log.mkdir()
    with running(port, log, [f"swift-{kind}-server", str(config)], {}) as address:
        yield address


def _make_ring(builder: Path, port: int) -> None:
    """Sixteen partitions, one copy, one device."""
    for words in (
        ["create", "4", "1", "0"],
        ["add", f"r1z1-127.0.0.1:{port}/one", "1"],
        ["rebalance"],
    ):
        subprocess.run(
            [str(PROGRAMS / "swift-ring-builder"), str(builder), *words],
            check=True,
            capture_output=True,
        )


def _common(directory: Path, port: int) -> str:
    return (
        f"[DEFAULT]\nswift_dir = {directory}\ndevices = {directory / 'devices'}\n"
        f"mount_check = false\nbind_ip = 127.0.0.1\nbind_port = {port}\nworkers = 0\n"
        f"user = {getpass.getuser()}\n"
    )


def _server(kind: str) -> str:
    return (
        f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
    )


def _proxy() -> str:
    app = (
        "[app:proxy-server]\nuse = egg:swift#proxy\n"
        "account_autocreate = true\nallow_account_management = true\n"
    )
    filters = (
        f"[filter:{name}]\nuse = egg:swift#{ENTRY.get(name, name)}\n{text}\n"
        for name, text in FILTERS.items()
    )
    return f"[pipeline:main]\npipeline = {PIPELINE}\n{app}{''.join(filters)}"
