"""The servers to compare with: nginx, static and DAV, and copyparty. Files in, files out, no more.

Where RapidServe needs two requests for a file and one for a chunk, they need one for either.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from bench.contents import File
from bench.load import Exchange, Expected, Request, Task
from bench.processes import Tree, free_port, listens

WORKERS: Final = 2
"""Processes that serve, in every server here; also RapidServe's default."""

NGINX: Final = """
daemon off;
worker_processes {workers};
{user}
pid "{run}/nginx.pid";
error_log "{run}/nginx.log";
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  default_type application/octet-stream;
  client_max_body_size 2g;
  client_body_temp_path "{files}/.incoming";
  proxy_temp_path "{run}/proxy";
  fastcgi_temp_path "{run}/fastcgi";
  uwsgi_temp_path "{run}/uwsgi";
  scgi_temp_path "{run}/scgi";
  server {{
    listen 127.0.0.1:{port};
    location / {{
      root "{files}";
      dav_methods PUT;
      create_full_put_path on;
    }}
  }}
}}
"""


class Peer(Protocol):
    """A server under measurement. What prepares tasks is outside of the measured time."""

    name: str
    port: int
    tree: Tree

    def put_files(self, files: Sequence[File]) -> list[Task]:
        """One task for each file: all that storing it takes."""

    def get_files(self, files: Sequence[File]) -> list[Task]:
        """One task for each file that `put_files` put: all that fetching it takes."""

    def file_path(self, file: File) -> str:
        """Where to GET a file that was put, or any range of it."""

    def put_chunks(self, file: File) -> list[Task]:
        """One task for each chunk: sending its bytes, and no more."""

    def finish_chunks(self, file: File) -> None:
        """After the tasks of `put_chunks`: what makes the chunks readable."""

    def chunk_paths(self, file: File) -> list[str]:
        """Where to GET the chunks of a file that was put either way."""

    def remove(self, folder: str) -> None:
        """Give back the disk space of all that was put into a folder."""


class PlainPeer:
    """A server that knows whole files only: a chunk is a file of its own there.

    `directory` is what it serves.
    """

    def __init__(self, name: str, port: int, tree: Tree, directory: Path) -> None:
        self.name = name
        self.port = port
        self.tree = tree
        self._directory = directory

    def put_files(self, files: Sequence[File]) -> list[Task]:
        return [_put(self.file_path(file), file.parts) for file in files]

    def get_files(self, files: Sequence[File]) -> list[Task]:
        return [
            Exchange(Request("GET", self.file_path(file)), Expected(200, file.size))
            for file in files
        ]

    def file_path(self, file: File) -> str:
        return f"/{file.folder}/{file.name}"

    def put_chunks(self, file: File) -> list[Task]:
        paths = self.chunk_paths(file)
        return [_put(path, chunk.parts) for path, chunk in zip(paths, file.chunks, strict=True)]

    def finish_chunks(self, file: File) -> None:
        """Nothing: they are files already."""

    def chunk_paths(self, file: File) -> list[str]:
        return [f"/{file.folder}/{file.name}.chunk-{index:04}" for index in range(len(file.chunks))]

    def remove(self, folder: str) -> None:
        shutil.rmtree(self._directory / folder)


def nginx(binary: str, directory: Path) -> PlainPeer:
    """`directory` exists, is empty and will hold the files, the configuration and the log."""
    port = free_port()
    files = directory / "files"
    files.mkdir()
    # Started by root it would become another user, who can't read a private directory.
    user = "user root;" if os.geteuid() == 0 else ""
    config = directory / "nginx.conf"
    config.write_text(
        NGINX.format(run=directory, workers=WORKERS, files=files, port=port, user=user)
    )
    command = [binary, "-e", f"{directory}/nginx.log", "-p", str(directory), "-c", str(config)]
    tree = Tree(command, directory / "nginx.out", dict(os.environ))
    tree.wait_until(lambda: listens(port))
    return PlainPeer("nginx", port, tree, files)


def copyparty(python: Path, directory: Path) -> PlainPeer:
    """As `nginx`. Without its file index, which nobody asks for here."""
    port = free_port()
    files = directory / "files"
    files.mkdir()
    command = [str(python), "-m", "copyparty", "-q", "-i", "127.0.0.1", "-p", str(port)]
    command += ["-j", str(WORKERS), "-v", f"{files}::rw"]
    environment = {**os.environ, "HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}
    tree = Tree(command, directory / "copyparty.out", environment)
    tree.wait_until(lambda: listens(port))
    return PlainPeer("copyparty", port, tree, files)


def _put(path: str, parts: Sequence[memoryview]) -> Task:
    return Exchange(Request("PUT", path, body=parts), Expected(201))
