"""Somebody's machine: a current folder, settings of their own, and the command."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.conftest import clean_environment

CHUNK = 4 * 2**20
PATIENCE = 300.0


@dataclass
class Done:
    """How a command ended. Its traceback would be our mistake, whatever was typed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    path: Path
    environment: dict[str, str]

    @classmethod
    def at(cls, path: Path, url: str | None, token: str | None) -> "Desk":
        path.mkdir()
        settings = path.parent / f"{path.name}-settings"
        environment = {"XDG_CONFIG_HOME": str(settings), "HOME": str(settings)}
        if url:
            environment["RAPIDSERVE_URL"] = url
        if token:
            environment["RAPIDSERVE_TOKEN"] = token
        return cls(path, environment)

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
        """The command, running; its output is for pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "rapidserve_client", *arguments],
            cwd=self.path,
            env=clean_environment(**self.environment),
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=options.pop("stderr", subprocess.PIPE),
            text=True,
            errors="surrogateescape",
            **options,
        )

    def run(self, *arguments: str, stdin: str | None = None) -> Done:
        process = self.start(*arguments, stdin=subprocess.PIPE)
        out, err = process.communicate(stdin, timeout=PATIENCE)
        assert "Traceback" not in err, err
        return Done(process.returncode, out, err)

    def ok(self, *arguments: str, stdin: str | None = None) -> str:
        """Run what has to go well; what it printed."""
        done = self.run(*arguments, stdin=stdin)
        assert done.code == 0, done.err
        return done.out

    def counts(self, *arguments: str) -> dict[str, Any]:
        """Run a transfer; what it says of itself in JSON."""
        done = self.run(*arguments, "--json")
        assert done.code == 0, done.err
        return done.json()

    def write(self, path: str, content: bytes) -> Path:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def tree(self, path: str) -> dict[str, str]:
        """Everything below a folder: hashes of files by path, "folder" for folders."""
        top = self.path / path
        return {
            str(found.relative_to(top)): (
                "folder" if found.is_dir() else hashlib.sha256(found.read_bytes()).hexdigest()
            )
            for found in sorted(top.rglob("*"))
        }

    def listed(self, place: str) -> list[str]:
        return self.ok("ls", place).splitlines()


def noise(size: int) -> bytes:
    """Bytes that no other test has sent: the server would not ask for those again."""
    return os.urandom(size)
