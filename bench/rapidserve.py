"""RapidServe itself, started as people start it and spoken to through its public protocol."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from bench.contents import File
from bench.load import Answer, Connection, Exchange, Expected, Refused, Request, Task
from bench.processes import Tree, free_port

PROJECT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = 1000
"""Entries or chunks in one answer, at most."""
PACKED_BELOW: Final = 256 * 1024
"""Bytes. What is smaller is packed by our own clients."""
PACK_FILES: Final = 1000
PACK_BYTES: Final = 4 * 2**20
_PASSWORD: Final = "for the bench only"  # noqa: S105 - of an installation that lives for minutes


def new_installation(home: Path) -> dict[str, str]:
    """The environment of Django on an installation of its own, with keys, unsealed."""
    home.mkdir(parents=True)
    return {
        **_without_settings(dict(os.environ)),
        "DJANGO_SETTINGS_MODULE": "rapidserve.settings",
        "RAPIDSERVE_HOME": str(home),
        "RAPIDSERVE_NODES": f"main=file://{home}/chunks?seal=off",
        "RAPIDSERVE_SECRET_KEY": os.urandom(32).hex(),
        "RAPIDSERVE_MASTER_KEYS": f"bench:{base64.b64encode(os.urandom(32)).decode()}",
    }


class RapidServe:
    """An installation of its own in `home`, with chunks sealed or not, and with these settings.

    All else is the default.
    """

    def __init__(
        self, name: str, home: Path, *, sealed: bool, settings: Mapping[str, str] = {}
    ) -> None:
        self.name = name
        self.port = free_port()
        nodes = "" if sealed else f"main=file://{home}/chunks?seal=off"
        self._environment = {
            **_without_settings(dict(os.environ)),
            "RAPIDSERVE_HOME": str(home),
            "RAPIDSERVE_PORT": str(self.port),
            "RAPIDSERVE_OWNER_PASSWORD": _PASSWORD,
            **({"RAPIDSERVE_NODES": nodes} if nodes else {}),
            **settings,
        }
        log = home.with_suffix(".out")
        self.tree = Tree(_manage("serve"), log, self._environment)
        self.tree.wait_until(lambda: b"RapidServe is ready" in log.read_bytes())
        self._api = Api(self.port)
        self._folders: dict[str, str] = {}
        self._ids: dict[str, dict[str, str]] = {}
        self._uploads: dict[File, str] = {}

    def put_files(self, files: Sequence[File]) -> list[Task]:
        """Small ones in packs, as the browser and the command line send them."""
        small = [file for file in files if file.size < PACKED_BELOW]
        large = [file for file in files if file.size >= PACKED_BELOW]
        return [
            *(self._api.pack(self._folder(pack[0].folder), pack) for pack in _packs(small)),
            *(PutFile(self._api, self._folder(file.folder), file) for file in large),
        ]

    def get_files(self, files: Sequence[File]) -> list[Task]:
        return [GetFile(self._content(file), file.size) for file in files]

    def file_path(self, file: File) -> str:
        return self._api.location(self._content(file))

    def put_chunks(self, file: File) -> list[Task]:
        """Registers it at once; what is returned are the chunks still to be sent."""
        register = self._api.register(self._folder(file.folder), file)
        registered = self._api.call(register, 201)
        self._uploads[file] = registered["upload_id"]
        return [*chunk_puts(registered, file)]

    def finish_chunks(self, file: File) -> None:
        self._api.call(self._api.complete(self._uploads.pop(file)), 200)

    def chunk_paths(self, file: File) -> list[str]:
        request = self._api.request("GET", f"/api/download/{self._id(file)}?limit={PAGE}")
        return [_path(chunk["url"]) for chunk in self._api.call(request, 200)["chunks"]]

    def remove(self, folder: str) -> None:
        folder_id = self._folders.pop(folder)
        self._ids.pop(folder, None)
        self._api.call(self._api.request("DELETE", f"/api/files/{folder_id}"), 204)
        self._api.call(self._api.request("DELETE", f"/api/trash/{folder_id}"), 204)
        subprocess.run(
            _manage("collect_garbage"), env=self._environment, check=True, capture_output=True
        )

    def _content(self, file: File) -> Request:
        return self._api.request("GET", f"/api/files/{self._id(file)}/content")

    def _id(self, file: File) -> str:
        """Asked for once for a whole folder: who put the files was another process."""
        if file.name not in self._ids.get(file.folder, {}):
            self._ids[file.folder] = self._api.children(self._folder(file.folder))
        return self._ids[file.folder][file.name]

    def _folder(self, name: str) -> str:
        if name not in self._folders:
            self._folders[name] = self._api.make_folder(name)
        return self._folders[name]


class Api:
    """The owner's requests. Ready to be sent by whoever has a connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._authorization: dict[str, str] = {}
        credentials = {"username": "owner", "password": _PASSWORD, "name": "bench"}
        token = self.call(self.request("POST", "/api/auth/token", credentials), 201)["token"]
        self._authorization = {"Authorization": f"Bearer {token}"}
        self._root = self.call(self.request("GET", "/api/spaces"), 200)["results"][0]["root"]

    def request(self, method: str, path: str, content: object = None) -> Request:
        if content is None:
            return Request(method, path, self._authorization)
        headers = {**self._authorization, "Content-Type": "application/json"}
        return Request(method, path, headers, [json.dumps(content).encode()])

    def call(self, request: Request, status: int) -> Any:
        """Send it over a connection of its own; the answer's JSON."""
        connection = Connection(self._port)
        try:
            body = connection.ask(request, Expected(status)).body
        finally:
            connection.close()
        return json.loads(body) if body else None

    def location(self, request: Request) -> str:
        connection = Connection(self._port)
        try:
            return location(connection.ask(request, Expected(302)))
        finally:
            connection.close()

    def make_folder(self, name: str) -> str:
        content = {"parent": self._root, "name": name, "type": "folder"}
        made: str = self.call(self.request("POST", "/api/files", content), 201)["id"]
        return made

    def children(self, folder_id: str) -> dict[str, str]:
        """Name -> id."""
        found: dict[str, str] = {}
        following = ""
        while following is not None:
            path = f"/api/files/{folder_id}/children?limit={PAGE}&cursor={quote(following)}"
            page = self.call(self.request("GET", path.removesuffix("&cursor=")), 200)
            found.update((entry["name"], entry["id"]) for entry in page["results"])
            following = page["next"]
        return found

    def register(self, folder_id: str, file: File) -> Request:
        content = {
            "parent": folder_id,
            "name": file.name,
            "size": file.size,
            "chunks": [{"sha256": chunk.sha256, "size": chunk.size} for chunk in file.chunks],
        }
        return self.request("POST", "/api/upload/chunk/register", content)

    def pack(self, folder_id: str, files: Sequence[File]) -> "PutPack":
        """Of files that are one chunk each."""
        facts = [
            {"name": file.name, "size": file.size, "sha256": file.chunks[0].sha256}
            for file in files
        ]
        head = json.dumps({"parent": folder_id, "on_conflict": "fail", "files": facts}).encode()
        content = b"".join(part for file in files for part in file.parts)
        body = [len(head).to_bytes(4, "big") + head, content]
        headers = {**self._authorization, "Content-Type": "application/vnd.rapidserve.pack"}
        return PutPack(Request("POST", "/api/upload/pack", headers, body))

    def complete(self, upload_id: str) -> Request:
        return self.request("POST", f"/api/upload/{upload_id}/complete", {})


@dataclass(frozen=True, slots=True)
class PutFile:
    """Register, send every chunk, complete: over one connection."""

    api: Api
    folder_id: str
    file: File

    def __call__(self, connection: Connection) -> None:
        register = self.api.register(self.folder_id, self.file)
        registered = json.loads(connection.ask(register, Expected(201)).body)
        for put in chunk_puts(registered, self.file):
            put(connection)
        connection.drop(self.api.complete(registered["upload_id"]), Expected(200))


@dataclass(frozen=True, slots=True)
class PutPack:
    """Send many small files in one request; each has a result of its own."""

    request: Request

    def __call__(self, connection: Connection) -> None:
        for result in json.loads(connection.ask(self.request, Expected(200)).body)["results"]:
            if "file" not in result:
                raise Refused(f"A file of a pack was refused: {result['error']}")


@dataclass(frozen=True, slots=True)
class GetFile:
    """Ask for the file, follow the redirection, fetch it whole."""

    content: Request
    size: int

    def __call__(self, connection: Connection) -> None:
        path = location(connection.ask(self.content, Expected(302)))
        connection.drop(Request("GET", path), Expected(200, self.size))


def chunk_puts(registered: dict[str, Any], file: File) -> list[Exchange]:
    """Refused when the server has a chunk already: it would be spared the work."""
    puts = []
    for slot, chunk in zip(registered["chunks"], file.chunks, strict=True):
        if slot["state"] != "upload":
            raise Refused(f"Chunk {slot['index']} of {file.name} is there already.")
        request = Request(slot["method"], _path(slot["url"]), slot["headers"], chunk.parts)
        puts.append(Exchange(request, Expected(204, 0)))
    return puts


def _packs(files: Sequence[File]) -> Iterator[list[File]]:
    """As many in each as the server takes."""
    pack: list[File] = []
    for file in files:
        if len(pack) == PACK_FILES or sum(one.size for one in pack) + file.size > PACK_BYTES:
            yield pack
            pack = []
        pack.append(file)
    if pack:
        yield pack


def location(answer: Answer) -> str:
    value = answer.header(b"location")
    if value is None:
        raise Refused("A redirection to nowhere.")
    return _path(value)


def _path(url: str) -> str:
    """Without the origin: requests name it in a header."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _manage(command: str) -> list[str]:
    return [sys.executable, str(PROJECT / "manage.py"), command]


def _without_settings(environment: dict[str, str]) -> dict[str, str]:
    """Settings of whoever runs the bench must not change what is measured."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(("RAPIDSERVE_", "DJANGO_", "RS_"))
    }
