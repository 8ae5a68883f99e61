"""What each role lets somebody do, route by route: what he may not do is 403, what he may not see
is 404, and looks like what does not exist.
"""

from datetime import timedelta

import pytest

from files.access.roles import LINK_PERMISSIONS, PERMISSIONS, TOLD, Permission, Role
from files.models import Space, UserGrant
from rapidserve.db import current_time
from tests.files.api.answers import answered, refused
from tests.files.api.test_visibility import NAMES_NOTHING, PUBLIC, TABLE, Scene, ask

VIEW, DOWNLOAD, EDIT = Permission.VIEW, Permission.DOWNLOAD, Permission.EDIT
SHARE, OWN, ADD = Permission.SHARE, Permission.OWN, Permission.ADD
# What a route needs. A route that is missing here fails the test.
NEEDS = {
    ("PATCH", "spaces/<space_id>"): OWN,
    ("DELETE", "spaces/<space_id>"): OWN,
    ("GET", "search"): VIEW,
    ("GET", "changes"): VIEW,
    ("POST", "files"): EDIT,
    ("GET", "files/<entry_id>"): VIEW,
    ("PATCH", "files/<entry_id>"): EDIT,
    ("DELETE", "files/<entry_id>"): EDIT,
    ("GET", "files/<entry_id>/children"): VIEW,
    ("GET", "files/<entry_id>/access"): SHARE,
    ("PUT", "files/<entry_id>/access/<subject>"): SHARE,
    ("DELETE", "files/<entry_id>/access/<subject>"): SHARE,
    ("GET", "files/<entry_id>/links"): SHARE,
    ("POST", "files/<entry_id>/links"): SHARE,
    ("GET", "links/<link_id>"): SHARE,
    ("PATCH", "links/<link_id>"): SHARE,
    ("DELETE", "links/<link_id>"): SHARE,
    ("GET", "links/<link_id>/visits"): SHARE,
    ("POST", "files/<entry_id>/copy"): EDIT,
    ("GET", "files/<entry_id>/content"): DOWNLOAD,
    ("GET", "files/<entry_id>/versions"): VIEW,
    ("POST", "files/<entry_id>/versions/<version_id>/restore"): EDIT,
    ("GET", "trash"): EDIT,
    ("DELETE", "trash/<entry_id>"): EDIT,
    ("POST", "trash/<entry_id>/restore"): EDIT,
    ("GET", "download/<entry_id>"): DOWNLOAD,
    ("POST", "upload/chunk/register"): EDIT,
    ("POST", "upload/pack"): EDIT,
}
# An upload is its sender's alone, whatever others may do in the folder it goes to.
UPLOADS = [key for key in TABLE if key[1].startswith("upload/<upload_id>")]
OF_SPACES = {("PATCH", "spaces/<space_id>"), ("DELETE", "spaces/<space_id>")}
GRANTED = [role for role in Role if role != Role.OWNER]


def test_every_route_needs_something():
    assert {*NEEDS, *NAMES_NOTHING, *UPLOADS, *PUBLIC} == set(TABLE)


class TeamScene(Scene):
    """As the scene of the visibility test, in a team space of alice's."""

    def __init__(self, world):
        super().__init__(world, in_team=True)


SCENE = TeamScene


def expected(scene, key, role):
    """The status that somebody with this role must get."""
    if key in UPLOADS or role is None:
        return 404
    if NEEDS[key] in PERMISSIONS[role]:
        return TABLE[key][0]
    return 403


@pytest.mark.parametrize("role", [None, *GRANTED])
@pytest.mark.parametrize("key", [*NEEDS, *UPLOADS], ids=" ".join)
def test_a_member_of_the_space(scene, key, role):
    if role:
        scene.alice.share(scene.ids["team root"], scene.bob, role)

    answer = ask(scene.bob, key, scene.ids)

    if key == ("DELETE", "spaces/<space_id>") and role is not None:
        refused(answer, 403, "permission_denied")
    assert answer.status_code == expected(scene, key, role), answer.content


@pytest.mark.parametrize("role", GRANTED)
@pytest.mark.parametrize("key", [key for key in NEEDS if key not in OF_SPACES], ids=" ".join)
def test_a_guest_of_one_folder(scene, key, role):
    """He sees that folder and what is in it, as if it lay nowhere. The space is not his to see."""
    scene.alice.share(scene.ids["folder"], scene.bob, role)

    answer = ask(scene.bob, key, scene.ids)

    the_spaces_own = key == ("GET", "trash")
    assert answer.status_code == (404 if the_spaces_own else expected(scene, key, role))


def test_whose_role_has_expired(scene):
    scene.alice.share(scene.ids["team root"], scene.bob, "manager")
    UserGrant.objects.update(expires_at=current_time() - timedelta(seconds=1))

    for key in NEEDS:
        refused(ask(scene.bob, key, scene.ids), 404, "not_found")


def test_who_was_deactivated(scene):
    scene.alice.share(scene.ids["team root"], scene.bob, "manager")
    scene.bob.user.is_active = False
    scene.bob.user.save(update_fields=["is_active"])

    for key in NEEDS:
        refused(ask(scene.bob, key, scene.ids), 401, "not_authenticated")


# What a visitor of a public link may ask at all, and what it needs; all else knows no visitors.
VISITED = {
    ("GET", "files/<entry_id>"): VIEW,
    ("GET", "files/<entry_id>/children"): VIEW,
    ("GET", "files/<entry_id>/content"): DOWNLOAD,
    ("GET", "download/<entry_id>"): DOWNLOAD,
    ("PATCH", "files/<entry_id>"): None,
    ("DELETE", "files/<entry_id>"): None,
    ("POST", "upload/chunk/register"): ADD,
}


@pytest.mark.parametrize("role", LINK_PERMISSIONS)
@pytest.mark.parametrize("key", [*NEEDS, *UPLOADS], ids=" ".join)
def test_a_visitor_of_a_link(scene, key, role):
    path = f"/api/files/{scene.ids['folder']}/links"
    link = answered(scene.alice.post(path, {"role": role}), 201)
    visitor = scene.world.nobody()
    grant = visitor.post(f"/api/s/{link['url'].rpartition('/')[2]}/grant", {})
    visitor.token = answered(grant, 201)["grant"]

    status = ask(visitor, key, scene.ids).status_code

    held = LINK_PERMISSIONS[role]
    if key in UPLOADS:
        assert status == 404
    elif key not in VISITED:
        assert status == 401
    elif VISITED[key] in held:
        assert status == TABLE[key][0]
    else:
        assert status == (403 if VIEW in held else 404)


@pytest.mark.parametrize("role", GRANTED)
def test_permissions_are_told_as_they_are(scene, role):
    scene.alice.share(scene.ids["folder"], scene.bob, role)

    entry = answered(scene.bob.get(f"/api/files/{scene.ids['file']}"))

    assert entry["permissions"] == [each for each in TOLD if each in PERMISSIONS[role]]


def test_the_role_in_a_space_is_told(scene):
    scene.alice.share(scene.ids["team root"], scene.bob, "editor")

    spaces = answered(scene.bob.get("/api/spaces"))["results"]

    assert [(space["kind"], space["role"]) for space in spaces] == [
        ("personal", "owner"),
        ("team", "editor"),
    ]
    assert Space.objects.get(id=scene.ids["team"]).owner_id == scene.alice.user.id
