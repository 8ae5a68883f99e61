"""The machine and the versions that the figures come from, and whether all is here."""

import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

NGINX_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


class Missing(Exception):
    """Something that the bench can't do without; says how to get it."""


@dataclass(frozen=True, slots=True)
class Machine:
    date: str
    processor: str
    memory: str
    file_system: str
    system: str
    versions: Sequence[str]


def describe(working: Path, *, nginx: str, copyparty: Path) -> Machine:
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        processor=f"{psutil.cpu_count()} × {_processor()}",
        memory=f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        file_system=_file_system(working),
        system=f"Linux {platform.release()}",
        versions=[
            f"nginx {_nginx_version(nginx)}",
            f"copyparty {_copyparty_version(copyparty)}",
            f"granian {version('granian')}",
            f"Python {platform.python_version()}",
        ],
    )


def find_nginx() -> str:
    """Its path; Missing when it is not there, or can't take files."""
    found = shutil.which("nginx") or shutil.which("nginx", path=NGINX_PATH)
    if found is None:
        raise Missing("nginx is missing (Debian: apt install nginx-light).")
    if "http_dav_module" not in _words_of(found, "-V"):
        raise Missing(
            f"{found} was built without its DAV module (Debian: apt install nginx-light)."
        )
    return found


def find_copyparty(python: Path) -> Path:
    """A Python that has it."""
    if not python.exists():
        raise Missing("copyparty is missing: `make bench` installs it in .venv/bench.")
    return python


def require_space(directory: Path, *, disk: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < disk:
        raise Missing(
            f"{disk / 1e9:.0f} GB of free disk are needed in {directory}, not {free / 1e9:.0f}."
        )


def _processor() -> str:
    """As the kernel calls it; some only tell the architecture."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(directory: Path) -> str:
    """The type of the one that is mounted nearest above."""
    here = directory.resolve()
    mounts = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    for place in (here, *here.parents):
        if str(place) in mounts:
            return mounts[str(place)]
    return "unknown"


def _nginx_version(binary: str) -> str:
    found = re.search(r"nginx/(\S+)", _words_of(binary, "-v"))
    return found.group(1) if found else "unknown"


def _copyparty_version(python: Path) -> str:
    code = "from importlib.metadata import version; print(version('copyparty'))"
    return _words_of(str(python), "-c", code).strip()


def _words_of(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
