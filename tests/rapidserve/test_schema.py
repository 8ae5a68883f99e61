"""/api/schema/ describes exactly what the API does, and what the API does is described."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from jsonschema import Draft202012Validator

from files.chunkstore.chunk import CHUNK_SIZE
from tests.world import Person, described

METHODS = ("get", "post", "put", "patch", "delete")
UNDOCUMENTED = {"schema", "docs"}
"""The documentation itself."""


def api_operations() -> Iterator[tuple[str, str]]:
    """(method, path as the schema writes it) of every API view in the URL conf."""
    for path, pattern in _patterns(get_resolver().url_patterns, "/"):
        view = getattr(pattern.callback, "cls", None)
        if view is None or not path.startswith("/api/") or pattern.name in UNDOCUMENTED:
            continue
        for method in METHODS:
            if hasattr(view, method):
                yield method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)


def _patterns(patterns: Any, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


@pytest.fixture
def schema(db) -> dict[str, Any]:
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    return yaml.safe_load(response.content)


def test_it_is_valid_openapi_made_without_a_warning(tmp_path):
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml")
    )


def test_it_is_open_to_everybody_and_so_is_the_page_that_shows_it(db):
    assert Client().get("/api/schema/").status_code == 200
    assert Client().get("/api/docs/").status_code == 200


def test_the_page_has_no_script_that_the_content_security_policy_stops(db):
    page = Client().get("/api/docs/")

    scripts = re.findall(r"<script\b([^>]*)>", page.content.decode())
    assert scripts
    assert all("src=" in attributes for attributes in scripts)
    assert "unsafe-inline" not in page["Content-Security-Policy"]


def test_every_operation_is_described_and_nothing_else(schema):
    described = {
        (method, path)
        for path, operations in schema["paths"].items()
        for method in operations
        if method in METHODS
    }

    assert described == set(api_operations())


def test_every_operation_tells_its_errors_in_the_one_shape(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            assert any(status.startswith(("2", "3")) for status in answers), (method, path)
            for status, answer in answers.items():
                if status[0] in "45":
                    content = answer["content"]["application/json"]["schema"]
                    assert content == {"$ref": "#/components/schemas/Error"}, (method, path)


# -- answers against the schema -------------------------------------------------------------------


def strict(node: Any, *, closed: bool = True) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema: nullable spelled out, no field beside those told."""
    if isinstance(node, list):
        return [strict(item, closed=closed) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: strict(value, closed=closed) for key, value in node.items() if key != "nullable"}
    if closed and "properties" in made:
        made.setdefault("additionalProperties", False)
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def validators(schema: dict[str, Any]) -> dict[tuple[str, str, str], Draft202012Validator | None]:
    """By (method, path, status). None where no body is described. Errors may carry more facts."""
    components = {
        name: strict(part, closed=not name.startswith("Error"))
        for name, part in schema["components"]["schemas"].items()
    }
    found = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                body = answer.get("content", {}).get("application/json", {}).get("schema")
                found[method, path, status] = body and Draft202012Validator(
                    {**strict(body), "components": {"schemas": components}},
                    format_checker=Draft202012Validator.FORMAT_CHECKER,
                )
    return found


class CheckedPerson(Person):
    """Notes every answer with the operation it belongs to, and checks it against the schema."""

    def watch(self, schema: dict[str, Any]) -> None:
        self.validators = validators(schema)
        self.patterns = {
            path: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
            for path in sorted(schema["paths"], key=lambda path: path.count("{"))
        }
        self.seen: set[tuple[str, str, str]] = set()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        response = super().call(method, path, body, content_type, **headers)
        known = (p for p, regex in self.patterns.items() if regex.fullmatch(path.partition("?")[0]))
        key = (method.lower(), next(known), str(response.status_code))
        assert key in self.validators, f"{key} is not described: {response.content!r}"
        self.seen.add(key)
        validator = self.validators[key]
        if validator is None:
            assert response.content == b"", key
        else:
            validator.validate(response.json())
        return response


def test_what_a_life_with_the_api_is_answered_is_what_is_described(world, schema, monkeypatch):
    monkeypatch.setattr("files.delivery.epochs.STALE_SECONDS", 3600)  # however long this takes
    alice = CheckedPerson(world.alice.user, world.plane)
    alice.watch(schema)

    live(alice)
    share(alice, world.bob)
    err(alice, world.bob)

    succeeded = {(m, p) for m, p, status in alice.seen if status[0] in "23"}
    assert succeeded == set(api_operations())


def live(alice: CheckedPerson) -> None:
    """Every operation, once or more with success."""
    papers, other = alice.folder("papers"), alice.folder("other")
    data = bytes(CHUNK_SIZE) + b"end"
    registered = alice.register("a.bin", data, parent=papers, chunks=[]).json()
    upload = f"/api/upload/{registered['upload_id']}"
    specs = alice.register("b.bin", data, parent=papers).json()["chunks"]
    announced = [{"sha256": chunk["sha256"], "size": chunk["size"]} for chunk in specs]
    alice.post(f"{upload}/chunks", {"start": 0, "chunks": announced})
    alice.send_all(alice.get(upload).json(), data)
    alice.post(f"{upload}/stored", {"indexes": [0, 1]})
    alice.get(f"{upload}?limit=1")
    file = alice.post(f"{upload}/complete").json()["file"]["id"]
    alice.register("c.bin", data, parent=papers)  # nothing to send
    cancelled = alice.register("d.bin", b"never").json()["upload_id"]
    alice.delete(f"/api/upload/{cancelled}")
    alice.pack([(described("g.txt", b"text"), b"text"), (described("/", b"!"), b"!")])
    old = alice.get(f"/api/files/{file}/versions").json()["results"][0]["id"]
    alice.upload("a.bin", b"", parent=papers)
    alice.post(f"/api/files/{file}/versions/{old}/restore")
    alice.get(f"/api/download/{file}?limit=1")
    alice.get(f"/api/files/{file}/content")
    alice.get(f"/api/files/{file}")
    alice.patch(f"/api/files/{file}", {"name": "e.bin", "parent": other})
    alice.post(f"/api/files/{file}/copy", {"parent": papers})
    alice.get(f"/api/files/{papers}/children?limit=1")
    alice.get("/api/search?q=e&limit=1")
    alice.get("/api/changes?limit=1")
    alice.delete(f"/api/files/{file}")
    alice.get("/api/trash")
    alice.post(f"/api/trash/{file}/restore")
    alice.delete(f"/api/files/{other}")
    alice.delete(f"/api/trash/{other}")
    have_spaces(alice)
    have_an_account(alice)


def share(alice: CheckedPerson, bob: Person) -> None:
    folder = alice.folder("shared")
    access = f"/api/files/{folder}/access"
    bobs = f"{access}/user:{bob.user.id}"
    end = {"expires_at": "2031-03-31T12:00:00Z"}
    alice.call("PUT", f"{bobs}?dry_run=1", {"role": "viewer"})
    alice.call("PUT", bobs, {"role": "viewer"} | end)
    alice.get(access)
    alice.get(f"{access}?user={bob.user.id}")
    alice.get(f"/api/files/{alice.folder('below', folder)}/access")
    alice.delete(f"{bobs}?dry_run=1")
    alice.delete(bobs)
    bob.share(bob.folder("for alice"), alice, "previewer")
    alice.get("/api/shared")
    link = alice.post(f"/api/files/{folder}/links", {"role": "view"} | end).json()
    alice.get(f"/api/files/{folder}/links")
    alice.get(f"/api/links/{link['id']}")
    token = link["url"].rpartition("/")[2]
    alice.get(f"/api/s/{token}")
    alice.post(f"/api/s/{token}/grant", {"name": "Dora"})
    alice.get(f"/api/links/{link['id']}/visits")
    alice.patch(f"/api/links/{link['id']}", {"password": "open sesame", "max_downloads": 3})
    alice.get(f"/api/s/{token}")
    alice.post(f"/api/s/{token}/grant", {"password": "wrong"})
    alice.delete(f"/api/links/{link['id']}")
    alice.get(f"/api/s/{token}")


def have_spaces(alice: CheckedPerson) -> None:
    team = alice.post("/api/spaces", {"name": "Team", "kind": "team"}).json()["id"]
    alice.get("/api/spaces")
    alice.patch(f"/api/spaces/{team}", {"name": "Crew"})
    alice.delete(f"/api/spaces/{team}")


def have_an_account(alice: CheckedPerson) -> None:
    alice.get("/api/auth/me")
    alice.get("/api/users?q=al")
    Group.objects.create(name="readers")
    alice.get("/api/groups?q=re")
    Client().force_login(alice.user)
    session = alice.get("/api/auth/sessions").json()["results"][0]["id"]
    alice.delete(f"/api/auth/sessions/{session}")
    signing_in = {"username": "alice", "password": "correct horse battery", "name": "program"}
    token = alice.post("/api/auth/token", signing_in).json()["id"]
    alice.get("/api/auth/tokens")
    alice.delete(f"/api/auth/tokens/{token}")


def err(alice: CheckedPerson, bob: Person) -> None:
    """Some of every kind of refusal."""
    file = alice.upload("f.txt", b"text")["file"]["id"]
    folder = alice.folder("f")
    alice.get(f"/api/files/{bob.root}")
    alice.patch(f"/api/files/{folder}", {"parent": folder})
    alice.patch(f"/api/files/{file}", {"name": "g"}, **{"If-Match": '"99"'})
    alice.delete(f"/api/files/{file}", **{"If-Match": '"99"'})
    alice.get(f"/api/files/{folder}/children?cursor=forged")
    alice.get(f"/api/files/{folder}/children?limit=x")
    alice.get(f"/api/files/{folder}/content")
    alice.get("/api/search?q=")
    alice.post("/api/spaces", {"name": "Vault", "kind": "vault"})
    alice.patch(f"/api/spaces/{alice.space.id}", {"name": "Mine"})
    alice.delete(f"/api/spaces/{alice.space.id}")
    alice.delete(f"/api/spaces/{bob.space.id}")
    alice.register("f.txt", b"", on_conflict="fail")
    alice.register("f.txt", b"", if_match=file)
    alice.register("f.txt", b"", size=2**63 - 1)
    alice.register("f.txt", b"", owner=1)
    upload = alice.register("h.txt", b"open").json()["upload_id"]
    alice.complete(upload)
    alice.delete(f"/api/upload/{upload}")
    alice.complete(upload)
    space = alice.space
    space.quota_bytes = 1
    space.save()
    alice.register("i.txt", b"too much")
    alice.pack([(described("j.txt", b"too much"), b"too much")])
    alice.post(f"/api/files/{file}/copy", {"parent": alice.root})
    alice.post("/api/auth/token", {"username": "alice", "password": "wrong", "name": "x"})
