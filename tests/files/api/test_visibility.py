"""Who may not see something is told what anybody is told of an id that doesn't exist.

Every route of the files API and of the delivery plane stands in one of the tables here; one that is
added without its line fails the test.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from files.delivery.app import create_plane
from files.models import Entry
from tests.files.api.answers import answered, node_objects, refused
from tests.world import Person, World, pack_body

UNKNOWN = "01890000-0000-7000-8000-000000000000"


class Scene:
    """What alice has that bob may not see; `ids` are her ids by the kind of thing they name."""

    def __init__(self, world: World, *, in_team: bool = False) -> None:
        self.world, self.alice, self.bob = world, world.alice, world.bob
        alice = self.alice
        team = alice.team("Team")
        root = team["root"] if in_team else alice.root
        folder = alice.folder("papers", root)
        done = alice.upload("a.txt", b"text", parent=folder)
        trashed = alice.folder("old", folder)
        alice.delete(f"/api/files/{trashed}")
        self.ids = {
            "folder": folder,
            "file": done["file"]["id"],
            "version": done["version"]["id"],
            "trashed": trashed,
            "space": team["id"] if in_team else str(alice.space.id),
            "team": team["id"],
            "team root": team["root"],
            "upload": answered(alice.register("b.txt", b"open", parent=root), 201)["upload_id"],
            "empty upload": answered(alice.register("c.txt", b"", parent=root), 201)["upload_id"],
            "friend": str(world.carol.user.id),
        }
        link = answered(alice.post(f"/api/files/{folder}/links", {"role": "download"}), 201)
        self.ids |= {"link": link["id"], "link token": link["url"].rpartition("/")[2]}
        alice.share(folder, world.carol, "previewer")


def fill(value: Any, ids: dict[str, str]) -> Any:
    """`<kind>` in a path or a body becomes the id of that kind."""
    if isinstance(value, dict):
        return {key: fill(item, ids) for key, item in value.items()}
    if isinstance(value, str):
        return re.sub(r"<([a-z ]+)>", lambda match: ids[match[1]], value)
    return value


# (method, route): (what alice sees there, her request). Routes without an id name one otherwise.
TABLE: dict[tuple[str, str], tuple[int, str, Any]] = {
    ("GET", "spaces"): (200, "/api/spaces", None),
    ("POST", "spaces"): (201, "/api/spaces", {"name": "n", "kind": "team"}),
    ("PATCH", "spaces/<space_id>"): (200, "/api/spaces/<team>", {"name": "n"}),
    ("DELETE", "spaces/<space_id>"): (204, "/api/spaces/<team>", None),
    ("GET", "shared"): (200, "/api/shared", None),
    ("GET", "search"): (200, "/api/search?q=a&space=<space>", None),
    ("GET", "changes"): (200, "/api/changes?space=<space>", None),
    ("POST", "files"): (201, "/api/files", {"parent": "<folder>", "name": "n", "type": "folder"}),
    ("GET", "files/<entry_id>"): (200, "/api/files/<file>", None),
    ("PATCH", "files/<entry_id>"): (200, "/api/files/<file>", {"name": "n"}),
    ("DELETE", "files/<entry_id>"): (204, "/api/files/<file>", None),
    ("GET", "files/<entry_id>/children"): (200, "/api/files/<folder>/children", None),
    ("GET", "files/<entry_id>/access"): (200, "/api/files/<file>/access", None),
    ("PUT", "files/<entry_id>/access/<subject>"): (
        200,
        "/api/files/<file>/access/user:<friend>",
        {"role": "viewer"},
    ),
    ("DELETE", "files/<entry_id>/access/<subject>"): (
        204,
        "/api/files/<folder>/access/user:<friend>",
        None,
    ),
    ("GET", "files/<entry_id>/links"): (200, "/api/files/<file>/links", None),
    ("POST", "files/<entry_id>/links"): (201, "/api/files/<file>/links", {"role": "view"}),
    ("GET", "links/<link_id>"): (200, "/api/links/<link>", None),
    ("PATCH", "links/<link_id>"): (200, "/api/links/<link>", {"max_downloads": 1}),
    ("DELETE", "links/<link_id>"): (204, "/api/links/<link>", None),
    ("GET", "links/<link_id>/visits"): (200, "/api/links/<link>/visits", None),
    ("GET", "s/<token>"): (200, "/api/s/<link token>", None),
    ("POST", "s/<token>/grant"): (201, "/api/s/<link token>/grant", {}),
    ("POST", "files/<entry_id>/copy"): (201, "/api/files/<file>/copy", {"parent": "<folder>"}),
    ("GET", "files/<entry_id>/content"): (302, "/api/files/<file>/content", None),
    ("GET", "files/<entry_id>/versions"): (200, "/api/files/<file>/versions", None),
    ("POST", "files/<entry_id>/versions/<version_id>/restore"): (
        200,
        "/api/files/<file>/versions/<version>/restore",
        None,
    ),
    ("GET", "trash"): (200, "/api/trash?space=<space>", None),
    ("DELETE", "trash/<entry_id>"): (204, "/api/trash/<trashed>", None),
    ("POST", "trash/<entry_id>/restore"): (200, "/api/trash/<trashed>/restore", None),
    ("GET", "download/<entry_id>"): (200, "/api/download/<file>", None),
    ("POST", "upload/chunk/register"): (
        201,
        "/api/upload/chunk/register",
        {"parent": "<folder>", "name": "n", "size": 0, "chunks": []},
    ),
    ("POST", "upload/pack"): (200, "/api/upload/pack", {"parent": "<folder>", "files": []}),
    ("GET", "upload/<upload_id>"): (200, "/api/upload/<upload>", None),
    ("DELETE", "upload/<upload_id>"): (204, "/api/upload/<upload>", None),
    ("POST", "upload/<upload_id>/chunks"): (
        200,
        "/api/upload/<upload>/chunks",
        {"start": 0, "chunks": []},
    ),
    ("POST", "upload/<upload_id>/stored"): (200, "/api/upload/<upload>/stored", {"indexes": [0]}),
    ("POST", "upload/<upload_id>/complete"): (200, "/api/upload/<empty upload>/complete", None),
}
PUBLIC = {("GET", "s/<token>"), ("POST", "s/<token>/grant")}
"""For whoever has the address, which is the secret."""
PACKED = {("POST", "upload/pack")}
"""Bodies that are the head of a pack."""
NAMES_NOTHING = {("GET", "spaces"), ("POST", "spaces"), ("GET", "shared")}
"""Answers about the caller alone: there is no id that could be somebody else's."""

METHODS = ("get", "post", "put", "patch", "delete")


def routes() -> Iterator[tuple[str, str]]:
    """(method, route below /api/) of everything in files.api."""
    for path, pattern in _patterns(get_resolver().url_patterns, ""):
        view = getattr(pattern.callback, "cls", None)
        if view is None or not view.__module__.startswith("files.api."):
            continue
        route = re.sub(r"<\w+:", "<", path).removeprefix("api/")
        for method in METHODS:
            if hasattr(view, method):
                yield method.upper(), route


def _patterns(patterns: Any, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


SCENE = Scene


def ask(person: Person, key: tuple[str, str], ids: dict[str, str]) -> Any:
    _, path, body = TABLE[key]
    filled, kind = fill(body, ids), "application/json"
    if key in PACKED:
        filled, kind = pack_body(filled), "application/vnd.rapidserve.pack"
    return person.call(key[0], fill(path, ids), filled, kind, **{"X-Request-ID": "r"})


def test_every_route_has_its_line():
    assert set(routes()) == set(TABLE)


@pytest.mark.parametrize("key", TABLE, ids=" ".join)
def test_who_owns_it_gets_through(scene, key):
    assert ask(scene.alice, key, scene.ids).status_code == TABLE[key][0]


@pytest.mark.parametrize(
    "key", [key for key in TABLE if key not in NAMES_NOTHING | PUBLIC], ids=" ".join
)
def test_somebody_else_is_told_exactly_what_is_told_of_an_unknown_id(scene, key):
    unknown_ids = dict.fromkeys(scene.ids, UNKNOWN)

    theirs = ask(scene.bob, key, scene.ids)
    unknown = ask(scene.bob, key, unknown_ids)

    refused(theirs, 404, "not_found")
    assert theirs.content == unknown.content
    assert dict(theirs.headers) == dict(unknown.headers)
    assert ask(scene.alice, key, scene.ids).status_code == TABLE[key][0]  # nothing happened to it


@pytest.mark.parametrize("key", [key for key in TABLE if key not in PUBLIC], ids=" ".join)
def test_a_stranger_is_asked_who_he_is_whatever_the_id(scene, key):
    def ask_as_nobody(ids: dict[str, str], **headers: str) -> Any:
        method, (_, path, body) = key[0], TABLE[key]
        return Client().generic(
            method,
            fill(path, ids),
            data=b"" if body is None else str(body).encode(),
            content_type="application/json",
            headers={"X-Request-ID": "r"} | headers,
        )

    unknown_ids = dict.fromkeys(scene.ids, UNKNOWN)
    for headers in ({}, {"Authorization": "Bearer rs_nonsense"}, {"Authorization": "Basic eDp5"}):
        known = ask_as_nobody(scene.ids, **headers)
        refused(known, 401, "not_authenticated")
        assert known["WWW-Authenticate"].startswith("Bearer")
        assert known.content == ask_as_nobody(unknown_ids, **headers).content


def test_another_persons_version_of_another_file_is_not_found_either(scene):
    mine = scene.bob.upload("mine.txt", b"")["file"]["id"]

    for version in (scene.ids["version"], UNKNOWN):
        refused(scene.bob.post(f"/api/files/{mine}/versions/{version}/restore"), 404, "not_found")
        refused(scene.bob.get(f"/api/download/{mine}?version={version}"), 404, "not_found")


def test_nothing_of_alices_is_named_in_anything_bob_can_list(scene):
    for path in (
        "/api/spaces",
        "/api/shared",
        "/api/changes",
        "/api/trash",
        "/api/search?q=a",
        f"/api/files/{scene.bob.root}/children",
    ):
        text = answered(scene.bob.get(path))
        assert not any(alices in str(text) for alices in [*scene.ids.values(), scene.alice.root])


# -- the delivery plane: an address is all that counts, and only one that was given out ------------

PLANE = {
    ("PUT", "/d/upload/{ticket}"): 403,
    ("GET", "/d/chunk/{ticket}"): 403,
    ("HEAD", "/d/chunk/{ticket}"): 403,
    ("GET", "/d/file/{ticket}/{name:path}"): 403,
    ("HEAD", "/d/file/{ticket}/{name:path}"): 403,
    ("POST", "/d/form/{ticket}"): 303,  # to a page that tells a person why not
}


def test_every_address_of_the_plane_has_its_line():
    found = {(m, route.path) for route in create_plane().routes for m in route.methods}

    assert found == set(PLANE)


@pytest.mark.parametrize("key", PLANE, ids=" ".join)
def test_no_credentials_open_the_plane_without_a_ticket(scene, key):
    method, route = key
    headers = {"Authorization": f"Bearer {scene.alice.token}"}
    before = Entry.objects.count(), node_objects()
    for guess in (scene.ids["file"], scene.ids["upload"], scene.ids["version"], UNKNOWN, "x"):
        path = route.replace("{ticket}", guess).replace("{name:path}", "a.txt")

        response = scene.alice.plane.request(
            method, path, headers=headers, content=b"open", follow_redirects=False
        )

        assert response.status_code == PLANE[key]
        if PLANE[key] == 403 and method != "HEAD":
            refused(response, 403, "token_invalid")
    assert (Entry.objects.count(), node_objects()) == before
