"""The calls of the protocol that this client makes, with values in and values out."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from rapidserve_client import answers, blocks
from rapidserve_client.answers import (
    Entry,
    Grant,
    Link,
    Login,
    ManifestPage,
    Named,
    Space,
    UploadPage,
)
from rapidserve_client.connection import Body, Connection
from rapidserve_client.errors import BadAnswer, NotFound, Refused

PAGE: Final = 1000
"""Entries and chunks a call takes and answers, at most."""


MAX_PACK_FILES: Final = 1000
MAX_PACK_BYTES: Final = blocks.CHUNK_SIZE
PACK_TYPE: Final = "application/vnd.rapidserve.pack"


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A small file in a pack. `path`: the folders below the pack's, as in `a/b`."""

    name: str
    path: str
    content: bytes
    digest: bytes
    modified_at: str | None

    @property
    def content_hash(self) -> str:
        return blocks.content_hash([self.digest] if self.content else [])


class Server:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def sign_in(self, username: str, password: str, name: str, code: str | None = None) -> Login:
        """A new token, called `name`. NotSignedIn when the password or the code is wrong; its code
        is `code_needed` when only a second step is missing."""
        body = {"username": username, "password": password, "name": name}
        if code is not None:
            body["code"] = code
        return answers.login(self._call("POST", "/api/auth/token", body, once=True))

    def revoke(self, token_id: str) -> None:
        """NotFound when it is gone already, Refused when this token may not do that."""
        self._call("DELETE", f"/api/auth/tokens/{_part(token_id)}")

    def spaces(self) -> Iterator[Space]:
        return (answers.space(result) for result in self._listed("/api/spaces"))

    def entry(self, entry_id: str) -> Entry:
        return answers.entry(self._call("GET", f"/api/files/{_part(entry_id)}"))

    def children(self, folder_id: str) -> Iterator[Entry]:
        """What is in a folder, folders first, page by page as it is asked for."""
        listed = self._listed(f"/api/files/{_part(folder_id)}/children")
        return (answers.entry(result) for result in listed)

    def create_folder(self, parent: str, name: str) -> tuple[Entry, bool]:
        """The folder of this name, and whether it is new: somebody else may have just made it.

        Refused(name_taken) when a file has the name.
        """
        body = {"parent": parent, "name": name, "type": "folder"}
        try:
            return answers.entry(self._call("POST", "/api/files", body)), True
        except Refused as refusal:
            taken_by = refusal.facts.get("id")
            if refusal.code != "name_taken" or not isinstance(taken_by, str):
                raise
            there = self.entry(taken_by)
            if not there.is_folder:
                raise
            return there, False

    def change(self, entry_id: str, *, name: str, parent: str) -> Entry:
        """Rename, move, or both."""
        body = {"name": name, "parent": parent}
        return answers.entry(self._call("PATCH", f"/api/files/{_part(entry_id)}", body))

    def trash(self, entry_id: str) -> None:
        self._delete(f"/api/files/{_part(entry_id)}")

    def remove_from_trash(self, entry_id: str) -> None:
        self._delete(f"/api/trash/{_part(entry_id)}")

    def people(self, prefix: str) -> Iterator[Named]:
        listed = self._listed("/api/users", q=prefix)
        return (answers.person(result) for result in listed)

    def groups(self, prefix: str) -> Iterator[Named]:
        listed = self._listed("/api/groups", q=prefix)
        return (answers.group(result) for result in listed)

    def access(self, entry_id: str) -> Iterator[Grant]:
        listed = self._listed(f"/api/files/{_part(entry_id)}/access")
        return (answers.grant(result) for result in listed)

    def give(self, entry_id: str, subject: str, role: str, expires_at: str | None) -> None:
        body = {"role": role, "expires_at": expires_at}
        self._call("PUT", f"/api/files/{_part(entry_id)}/access/{_part(subject)}", body)

    def take_back(self, entry_id: str, subject: str) -> None:
        self._call("DELETE", f"/api/files/{_part(entry_id)}/access/{_part(subject)}")

    def links(self, entry_id: str) -> Iterator[Link]:
        listed = self._listed(f"/api/files/{_part(entry_id)}/links")
        return (answers.link(result) for result in listed)

    def make_link(self, entry_id: str, role: str, limits: dict[str, Any]) -> Link:
        body = {"role": role, **limits}
        path = f"/api/files/{_part(entry_id)}/links"
        return answers.link(self._call("POST", path, body, once=True))

    def revoke_link(self, link_id: str) -> None:
        self._call("DELETE", f"/api/links/{_part(link_id)}")

    def pack(self, parent: str, files: Sequence[PackedFile]) -> list[Entry | Refused]:
        """Make small files below a folder in one request; each one's entry or what is wrong with
        it. Refused as a whole when none was made.
        """
        head = json.dumps({"parent": parent, "files": [_facts(file) for file in files]}).encode()
        content = b"".join([len(head).to_bytes(4, "big"), head, *(file.content for file in files)])
        answer = self.connection.call("POST", "/api/upload/pack", body=Body(PACK_TYPE, content))
        results, _ = answers.page(answer)
        if len(results) != len(files):
            raise BadAnswer("The server answered other files than those sent.")
        return [
            answers.pack_result(result, index, file.content_hash)
            for index, (result, file) in enumerate(zip(results, files, strict=True))
        ]

    def register(
        self, parent: str, name: str, size: int, digests: Sequence[bytes], modified_at: str | None
    ) -> UploadPage:
        """Announce a file with its first chunks' digests; an upload of it that is open goes on."""
        body: dict[str, Any] = {
            "parent": parent,
            "name": name,
            "size": size,
            "chunks": _specs(size, 0, digests),
        }
        if modified_at:
            body["modified_at"] = modified_at
        return answers.upload_page(self._call("POST", "/api/upload/chunk/register", body), size)

    def add_chunks(
        self, upload_id: str, size: int, start: int, digests: Sequence[bytes]
    ) -> UploadPage:
        """Announce further ones, or ask anew about ones that were announced."""
        body = {"start": start, "chunks": _specs(size, start, digests)}
        path = f"/api/upload/{_part(upload_id)}/chunks"
        return answers.upload_page(self._call("POST", path, body), size)

    def prove(self, upload_id: str, indexes: Sequence[int]) -> list[int]:
        """Have the server look for chunks that were sent; which it does not find."""
        body = {"indexes": indexes}
        answer = self._call("POST", f"/api/upload/{_part(upload_id)}/stored", body)
        return indexes_in(answer, "missing", indexes)

    def complete(self, upload_id: str) -> Entry:
        """Refused(chunks_missing) while something is to be sent."""
        path = f"/api/upload/{_part(upload_id)}/complete"
        answer = self.connection.call("POST", path, patient=True)
        return answers.entry(answer.get("file") if isinstance(answer, dict) else None)

    def cancel(self, upload_id: str) -> None:
        self._delete(f"/api/upload/{_part(upload_id)}")

    def manifest(
        self, file_id: str, *, version: str, start: int = 0, limit: int = PAGE
    ) -> ManifestPage:
        query: dict[str, str | int] = {"version": version, "start": start, "limit": limit}
        path = f"/api/download/{_part(file_id)}"
        page = answers.manifest_page(self.connection.call("GET", path, query=query), start)
        if page.version != version:
            raise BadAnswer("The server answered another version than the one asked for.")
        return page

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, once: bool = False
    ) -> Any:
        encoded = None if body is None else Body("application/json", json.dumps(body).encode())
        return self.connection.call(method, path, body=encoded, once=once)

    def _delete(self, path: str) -> None:
        """What is not there any more is as good as deleted: an earlier try may have done it."""
        try:
            self._call("DELETE", path)
        except NotFound:
            return

    def _listed(self, path: str, **asked: str) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            query: dict[str, str | int] = {"limit": PAGE, **asked}
            if cursor:
                query["cursor"] = cursor
            results, following = answers.page(self.connection.call("GET", path, query=query))
            yield from results
            if following is None:
                return
            if following == cursor or not results:
                raise BadAnswer("The server's list goes round in circles.")
            cursor = following


def indexes_in(answer: Any, field: str, within: Sequence[int] | range) -> list[int]:
    """The chunk indexes that an answer or an error names. Others than `within` are not believed."""
    named = answer.get(field) if isinstance(answer, dict) else None
    if not isinstance(named, list) or not all(type(index) is int for index in named):
        raise BadAnswer(f"The server's answer has no proper “{field}”.")
    allowed = within if isinstance(within, range) else set(within)
    if not all(index in allowed for index in named):
        raise BadAnswer("The server speaks of chunks that the file does not have.")
    return named


def _specs(size: int, start: int, digests: Sequence[bytes]) -> list[dict[str, Any]]:
    return [
        {"sha256": raw.hex(), "size": blocks.length(size, index)}
        for index, raw in enumerate(digests, start)
    ]


def _facts(file: PackedFile) -> dict[str, Any]:
    facts = {"name": file.name, "size": len(file.content), "sha256": file.digest.hex()}
    if file.path:
        facts["path"] = file.path
    if file.modified_at:
        facts["modified_at"] = file.modified_at
    return facts


def _part(opaque: str) -> str:
    """An id as one part of a path: an id like `../admin` would ask for something else."""
    return quote(opaque, safe="")
