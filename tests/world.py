"""The cast, and what they do over HTTP: control side by DRF's client, bytes by the real plane."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import Group
from django.test import Client
from starlette.testclient import TestClient

from accounts.actions import create_user, make_token
from accounts.models import User
from files.access import rights
from files.access.actor import Actor
from files.chunkstore.chunk import CHUNK_SIZE
from files.delivery.app import create_plane
from files.delivery.epochs import EpochWatch
from files.models import Space

PASSWORD = "correct horse battery"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def chunks_of(data: bytes) -> list[bytes]:
    return [data[start : start + CHUNK_SIZE] for start in range(0, len(data), CHUNK_SIZE)]


def specs_of(data: bytes) -> list[dict[str, Any]]:
    return [{"sha256": sha256(chunk), "size": len(chunk)} for chunk in chunks_of(data)]


def content_hash_of(data: bytes) -> str:
    """Dropbox's published definition, written down a second time."""
    digests = b"".join(hashlib.sha256(chunk).digest() for chunk in chunks_of(data))
    return hashlib.sha256(digests).hexdigest()


def described(name: str, data: bytes, **fields: Any) -> dict[str, Any]:
    """What the head of a pack says of a file."""
    return {"name": name, "size": len(data), "sha256": sha256(data)} | fields


def pack_body(head: Any, data: bytes = b"") -> bytes:
    raw = head if isinstance(head, bytes) else json.dumps(head).encode()
    return len(raw).to_bytes(4, "big") + raw + data


@dataclass
class Person:
    """Somebody with an API token, and the calls a program of theirs would make."""

    user: User
    plane: TestClient
    token: str = field(init=False)

    def __post_init__(self) -> None:
        self.token = make_token(user=self.user, name="tests").text

    @cached_property
    def actor(self) -> Actor:
        return Actor(self.user)

    @property
    def space(self) -> Space:
        return Space.objects.get(owner=self.user, kind="personal")

    @property
    def root(self) -> str:
        return str(self.space.root)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        """`body`: bytes are sent as they are, anything else as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        credentials = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        response = Client(raise_request_exception=False).generic(
            method,
            path,
            data=b"" if body is None else raw,
            content_type=content_type,
            headers={**credentials, **headers},
        )
        assert response.status_code in {507, 503} or response.status_code < 500, response.content
        return response

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)

    def register(self, name: str, data: bytes, **fields: Any) -> Any:
        body = {"name": name, "size": len(data), "chunks": specs_of(data)} | fields
        return self.post(
            "/api/upload/chunk/register",
            {"parent": self.root} | body if "parent" not in body else body,
        )

    def send(self, slot: dict[str, Any], data: bytes, **headers: str) -> Any:
        """PUT a body to a slot's address."""
        return self.plane.put(path_of(slot["url"]), content=data, headers=headers)

    def send_all(self, answer: dict[str, Any], data: bytes) -> None:
        chunks = chunks_of(data)
        for slot in answer["chunks"]:
            if slot["state"] == "upload":
                response = self.send(slot, chunks[slot["index"]])
                assert response.status_code == 204, response.text

    def complete(self, upload_id: str) -> Any:
        return self.post(f"/api/upload/{upload_id}/complete")

    def upload(self, name: str, data: bytes, **fields: Any) -> dict[str, Any]:
        """The whole protocol; complete's answer."""
        registered = self.register(name, data, **fields)
        assert registered.status_code in {200, 201}, registered.content
        self.send_all(registered.json(), data)
        done = self.complete(registered.json()["upload_id"])
        assert done.status_code == 200, done.content
        return done.json()

    def download(self, file_id: str, **query: str) -> bytes:
        """By chunks, as a program would."""
        manifest = self.get(f"/api/download/{file_id}?" + "&".join(map("=".join, query.items())))
        assert manifest.status_code == 200, manifest.content
        data = b""
        for chunk in manifest.json()["chunks"]:
            response = self.plane.get(path_of(chunk["url"]))
            assert response.status_code == 200, response.text
            assert sha256(response.content) == chunk["sha256"]
            data += response.content
        return data

    def pack(self, files: list[tuple[dict[str, Any], bytes]], **head: Any) -> Any:
        """Files, each as `described` and its bytes, in one request."""
        described, contents = zip(*files, strict=True) if files else ((), ())
        asked = {"parent": self.root, "files": described} | head
        return self.send_pack(pack_body(asked, b"".join(contents)))

    def send_pack(self, body: bytes) -> Any:
        return self.call("POST", "/api/upload/pack", body, "application/vnd.rapidserve.pack")

    def folder(self, name: str, parent: str | None = None) -> str:
        response = self.post(
            "/api/files", {"parent": parent or self.root, "name": name, "type": "folder"}
        )
        assert response.status_code == 201, response.content
        return response.json()["id"]

    def share(self, entry: str, subject: "Person | Group", role: str, **more: Any) -> None:
        """Give somebody a role on an entry."""
        answer = self.call("PUT", access_path(entry, subject), {"role": role} | more)
        assert answer.status_code == 200, answer.content

    def unshare(self, entry: str, subject: "Person | Group") -> None:
        answer = self.delete(access_path(entry, subject))
        assert answer.status_code == 204, answer.content

    def team(self, name: str) -> dict[str, Any]:
        """A new team space."""
        answer = self.post("/api/spaces", {"name": name, "kind": "team"})
        assert answer.status_code == 201, answer.content
        return answer.json()

    def names(self, folder: str | None = None) -> list[str]:
        response = self.get(f"/api/files/{folder or self.root}/children?limit=1000")
        return [entry["name"] for entry in response.json()["results"]]


class Nobody(Person):
    """Somebody without an account, who may hold the grant of a link."""

    def __init__(self, plane: TestClient) -> None:
        self.plane = plane
        self.token = ""


class World:
    def __init__(self) -> None:
        app = create_plane()
        # Time stands still for it: a slow machine must not make what it knows look old.
        app.state.epochs = EpochWatch(clock=lambda: 0.0)
        app.state.epochs.refresh()
        self.epochs = app.state.epochs
        self.plane = TestClient(app, base_url="http://testserver")
        self.alice = self._person("alice")

    @cached_property
    def bob(self) -> Person:
        return self._person("bob")

    @cached_property
    def carol(self) -> Person:
        return self._person("carol")

    def everybody(self) -> list[Person]:
        return [self.alice, self.bob, self.carol]

    def look_again(self) -> None:
        """Forget what another test made of the cast, and of who may do what."""
        rights.changed()
        for person in self.everybody():
            person.user.refresh_from_db()
            person.__dict__.pop("actor", None)

    def nobody(self) -> Nobody:
        return Nobody(self.plane)

    def _person(self, name: str) -> Person:
        return Person(create_user(username=name, password=PASSWORD), self.plane)


def access_path(entry: str, subject: Person | Group) -> str:
    kind, key = ("group", subject.pk) if isinstance(subject, Group) else ("user", subject.user.id)
    return f"/api/files/{entry}/access/{kind}:{key}"


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
