"""A program that talks to a real server. It keeps nothing but ids, and goes on after a crash."""

import hashlib
from typing import Any

import httpx2

from tests.e2e.cast import OWNER, PASSWORD
from tests.world import chunks_of, described, pack_body, specs_of

PAGE = 1000


class Program:
    """alice's. Every call raises httpx2.TransportError when the server dies under it."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """Signs in when it is given no `token` to use. `transport`: another way to the server."""
        self.http = httpx2.Client(base_url=url, timeout=60, transport=transport)
        # For addresses it is given, which may be anybody's: they get neither token nor cookie.
        self.plain = httpx2.Client(timeout=60, transport=transport)
        self.addresses: list[str] = []
        body = {"username": OWNER, "password": PASSWORD, "name": "program"}
        self.token: str = (
            token or self.answered(self.http.post("/api/auth/token", json=body))["token"]
        )
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        self.root: str = self.call("GET", "/api/spaces")["results"][0]["root"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.answered(self.http.request(method, path, json=body))

    @staticmethod
    def answered(response: httpx2.Response) -> Any:
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    def upload(self, name: str, data: bytes, **fields: Any) -> str:
        """The whole protocol from the start, which uses what an earlier try did. The file's id.

        Only the first chunk is in the first call, as when the rest is still being hashed.
        """
        chunks = chunks_of(data)
        upload_id, slots = self.announce(name, len(data), specs_of(data), **fields)
        for slot in slots:
            if slot["state"] == "upload":
                self.put(slot, chunks[slot["index"]])
        return self.complete(upload_id)

    def announce(
        self, name: str, size: int, specs: list[dict[str, Any]], **fields: Any
    ) -> tuple[str, list[dict[str, Any]]]:
        """The upload's id and all its slots."""
        body = {"parent": self.root, "name": name, "size": size, "chunks": specs[:1]} | fields
        answer = self.call("POST", "/api/upload/chunk/register", body)
        upload_id, slots = answer["upload_id"], answer["chunks"]
        for start in range(1, len(specs), PAGE):
            body = {"start": start, "chunks": specs[start : start + PAGE]}
            slots += self.call("POST", f"/api/upload/{upload_id}/chunks", body)["chunks"]
        return upload_id, slots

    def complete(self, upload_id: str) -> str:
        """Twice: the answer may have been lost the first time."""
        done = self.call("POST", f"/api/upload/{upload_id}/complete")
        again = self.call("POST", f"/api/upload/{upload_id}/complete")
        assert again["version"] == done["version"]
        file_id: str = done["file"]["id"]
        return file_id

    def pack(self, files: list[tuple[str, bytes]], parent: str | None = None) -> list[str]:
        """(name, bytes) pairs in one request; the ids of the files."""
        parent = parent or self.root
        head = {"parent": parent, "files": [described(name, data) for name, data in files]}
        body = pack_body(head, b"".join(data for _, data in files))
        media_type = {"Content-Type": "application/vnd.rapidserve.pack"}
        response = self.http.post("/api/upload/pack", content=body, headers=media_type)
        return [result["file"]["id"] for result in self.answered(response)["results"]]

    def put(self, slot: dict[str, Any], chunk: bytes) -> None:
        answer = self.send(slot, chunk)
        assert answer.is_success, answer.text

    def send(self, slot: dict[str, Any], chunk: bytes) -> httpx2.Response:
        address = self.http.base_url.join(slot["url"])
        self.addresses.append(str(address))
        return self.plain.request(slot["method"], address, content=chunk, headers=slot["headers"])

    def sha256(self, file_id: str) -> str:
        """Of the whole file as it comes back."""
        digest = hashlib.sha256()
        address = f"/api/files/{file_id}/content"
        with self.http.stream("GET", address, follow_redirects=True) as response:
            assert response.status_code == 200
            for block in response.iter_bytes():
                digest.update(block)
        return digest.hexdigest()
