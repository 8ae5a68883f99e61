"""Every route of every kind: of the API and the plane by the tables of other tests, pages here. A
route that stands in none of them fails the first test.
"""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import get_resolver

from accounts.models import User
from files.access.roles import LINK_PERMISSIONS, PERMISSIONS, Permission, Role
from files.models import UserGrant
from rapidserve.db import current_time
from tests.files.access.test_roles import TeamScene
from tests.files.api.answers import refused
from tests.files.api.test_visibility import TABLE, _patterns, fill
from tests.world import pack_body

VIEW, DOWNLOAD, EDIT = Permission.VIEW, Permission.DOWNLOAD, Permission.EDIT
SHARE, OWN = Permission.SHARE, Permission.OWN

# (method, address): what it needs; what follows when one has it. None: to be signed in.
PAGES = {
    ("GET", "/"): (None, 302, {}),
    ("GET", "/shared"): (None, 200, {}),
    ("GET", "/search?q=a"): (None, 200, {}),
    ("GET", "/trash"): (None, 200, {}),
    ("GET", "/groups"): (None, 200, {}),
    ("POST", "/theme"): (None, 302, {"theme": "dark"}),
    ("GET", "/files/<folder>"): (VIEW, 200, {}),
    ("GET", "/files/<folder>/new-folder"): (EDIT, 200, {}),
    ("POST", "/files/<folder>/new-folder"): (EDIT, 302, {"name": "n"}),
    ("GET", "/files/<file>/rename"): (EDIT, 200, {}),
    ("POST", "/files/<file>/rename"): (EDIT, 302, {"name": "n"}),
    ("GET", "/files/<file>/trash"): (EDIT, 200, {}),
    ("POST", "/files/<file>/trash"): (EDIT, 302, {}),
    ("GET", "/files/<folder>/share"): (SHARE, 200, {}),
    ("POST", "/files/<folder>/share"): (SHARE, 200, {"withdraw": "user:<friend>"}),
    ("GET", "/trash?space=<space>"): (EDIT, 200, {}),
    ("POST", "/trash/<trashed>/restore"): (EDIT, 302, {}),
    ("GET", "/trash/<trashed>/remove"): (EDIT, 200, {}),
    ("POST", "/trash/<trashed>/remove"): (EDIT, 302, {}),
    ("GET", "/spaces/new"): (None, 200, {}),
    ("POST", "/spaces/new"): (None, 302, {"name": "n"}),
    ("GET", "/spaces/<team>/rename"): (OWN, 200, {}),
    ("POST", "/spaces/<team>/rename"): (OWN, 302, {"name": "n"}),
    ("GET", "/spaces/<team>/delete"): (OWN, 200, {}),
    ("POST", "/spaces/<team>/delete"): (OWN, 409, {}),  # it is not empty
    ("POST", "/selection/move"): (EDIT, 200, {"entry": "<file>", "into": "<folder>"}),
    ("POST", "/selection/copy"): (EDIT, 200, {"entry": "<file>", "into": "<folder>"}),
    ("POST", "/selection/remove"): (EDIT, 200, {"entry": "<trashed>"}),
}
# What one sets for oneself, whatever role one has on anything: what a person without a second step
# gets.
OF_ONESELF = {
    "/settings": 200,
    "/settings/mail": 200,
    "/settings/mail/confirm": 302,
    "/settings/confirm": 200,
    "/settings/confirm/code": 302,
    "/settings/confirm/passkey": 302,
    "/settings/second-step": 200,
    "/settings/second-step/app": 302,
    "/settings/second-step/app/remove": 404,
    "/settings/second-step/codes": 404,
    "/settings/second-step/codes/new": 302,
    "/settings/second-step/codes/download": 404,
    "/settings/passkeys": 200,
    "/settings/passkeys/add": 302,
    "/settings/passkeys/<pk>/remove": 302,
    "/settings/passkeys/<pk>/edit": 302,
    "/settings/linked": 200,
}
# Those that answer the same whatever happened to each entry: what did, is asked of the database.
EACH = {"selection/trash", "selection/restore"}
# Whose permissions are Django's: held to those by tests/files/web/test_groups.py.
KEPT = {"groups/new", "groups/{}", "groups/{}/rename", "groups/{}/delete"}
PUBLIC = {
    *("login", "login/second-step", "login/passkey", "login/inactive", "login/cancelled"),
    *("login/{}", "login/{}/callback", "logout", "password/reset", "password/reset/sent"),
    *("password/reset/done", "password/reset/{}-{}", "s/{}", "s/{}/{}", "api/schema/", "api/docs/"),
}
ROLES = [role for role in Role if role != Role.OWNER]


def shape(path):
    """A route with its parameters blanked, as in `files/{}/share`."""
    return re.sub(r"<[^>]+>", "{}", path.partition("?")[0].removeprefix("/"))


def routes():
    """Every route but those of Django's administration, which has tests of its own for each."""
    for path, _ in _patterns(get_resolver().url_patterns, ""):
        if not path.startswith("admin/"):
            yield shape(path)


def test_every_route_is_in_a_table():
    api = {shape(f"api/{route}") for _, route in TABLE}
    accounts = {f"api/{path}" for path in ACCOUNT}
    pages = {shape(path) for _, path in PAGES} | {shape(path) for path in OF_ONESELF}

    assert set(routes()) == api | accounts | pages | EACH | KEPT | PUBLIC


ACCOUNT = {
    "auth/token",
    "auth/me",
    "auth/tokens",
    "auth/tokens/{}",
    "auth/sessions",
    "auth/sessions/{}",
    "users",
    "groups",
}
"""Of oneself alone: held to that by tests/accounts."""


def test_pages_of_oneself_are_for_who_is_signed_in(scene, settings):
    settings.SMTP_URL = "smtp://127.0.0.1"
    own, nobody = Client(), Client()
    own.force_login(scene.alice.user)
    of_bob = Authenticator.objects.create(user=scene.bob.user, type="webauthn", data={})

    for path, status in OF_ONESELF.items():
        address = path.replace("<pk>", str(of_bob.pk))
        assert own.get(address).status_code == status, path
        for answer in (nobody.get(address), nobody.post(address)):
            assert answer["Location"].startswith(("/login", "/settings/confirm?")), path
        assert not answer.content


SCENE = TeamScene


def visit(user: User | None, key, ids):
    """The answer to a page's request; Django's test client is let through without CSRF token."""
    method, path = key
    client = Client()
    if user:
        client.force_login(user)
    data = fill(PAGES[key][2], ids)
    return client.generic(
        method,
        fill(path, ids),
        "&".join(f"{name}={value}" for name, value in data.items()),
        content_type="application/x-www-form-urlencoded",
    )


def expected(key, held):
    needed, status, _ = PAGES[key]
    if needed is None or needed in held:
        return status
    return 403 if VIEW in held else 404


@pytest.mark.parametrize("key", PAGES, ids=" ".join)
def test_pages_for_the_owner(scene, key):
    assert visit(scene.alice.user, key, scene.ids).status_code == PAGES[key][1]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("key", PAGES, ids=" ".join)
def test_pages_for_a_member(scene, key, role):
    scene.alice.share(scene.ids["team root"], scene.bob, role)

    answer = visit(scene.bob.user, key, scene.ids)

    assert answer.status_code == expected(key, PERMISSIONS[role])


# Those below change nothing, so that one scene does for all pages.


def test_pages_for_an_outsider_name_nothing(scene):
    bob = scene.bob.user
    changing = {key for key in PAGES if key[0] == "POST" and PAGES[key][0] is None}

    for key in set(PAGES) - changing:
        answer = visit(bob, key, scene.ids)

        assert answer.status_code == expected(key, frozenset()), key
        page = answer.content.decode().replace(fill(key[1], scene.ids), "")
        for told in ("papers", "a.txt", "alice", scene.ids["space"], scene.ids["team root"]):
            assert told not in page, key


def test_pages_for_whose_role_has_expired(scene):
    scene.alice.share(scene.ids["team root"], scene.bob, "manager")
    UserGrant.objects.update(expires_at=current_time() - timedelta(seconds=1))

    answers = {key: visit(scene.bob.user, key, scene.ids).status_code for key in PAGES}

    assert answers == {key: expected(key, frozenset()) for key in PAGES}


def test_pages_for_nobody_lead_to_the_sign_in(scene):
    for path in KEPT:
        assert Client().post(f"/{path}").url.startswith("/login?next="), path
    for key in PAGES:
        answer = visit(None, key, scene.ids)

        if key[1] != "/theme":  # the sign-in page has that choice as well
            assert answer.status_code == 302, key
            assert answer["Location"].startswith("/login?next="), key


@pytest.mark.parametrize("role", LINK_PERMISSIONS)
def test_a_visitor_of_a_link_is_nobody_there(scene, role):
    path = f"/api/files/{scene.ids['folder']}/links"
    link = scene.alice.post(path, {"role": role}).json()["url"].removeprefix("http://testserver")
    client = Client()
    client.post(link, {})

    for key in PAGES:
        answer = client.get(fill(key[1], scene.ids))

        if key[1] != "/theme":
            assert (answer.status_code, answer.url[:6]) == (302, "/login"), key


@pytest.mark.parametrize("role", [None, *ROLES])
def test_what_is_done_to_each_is_done_to_what_one_may(scene, role):
    if role:
        scene.alice.share(scene.ids["team root"], scene.bob, role)
    client = Client()
    client.force_login(scene.bob.user)

    client.post("/selection/trash", {"entry": scene.ids["file"]})
    client.post("/selection/restore", {"entry": scene.ids["trashed"]})

    may = role is not None and EDIT in PERMISSIONS[role]
    names = scene.alice.names(scene.ids["folder"])
    assert names == (["old"] if may else ["a.txt"])


UNSAFE = [key for key in TABLE if key[0] != "GET" and not key[1].startswith("s/")]


def test_a_session_does_nothing_without_its_csrf_token(scene):
    client = Client(enforce_csrf_checks=True)
    client.force_login(scene.alice.user)
    for key in UNSAFE:
        method, (_, path, body) = key[0], TABLE[key]
        pack = key == ("POST", "upload/pack")

        answer = client.generic(
            method,
            fill(path, scene.ids),
            pack_body(fill(body, scene.ids)) if pack else b"{}",
            content_type="application/vnd.rapidserve.pack" if pack else "application/json",
        )

        refused(answer, 403, "csrf_failed")
