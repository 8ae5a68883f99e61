"""What guests may not do with files, whatever role they have on them; and changing sides."""

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from accounts.actions import create_user, set_organisation_role
from accounts.organisation import OrganisationRole
from files.models import AuditLine, Space
from tests.files.api.answers import answered, refused
from tests.world import Person, access_path, path_of

ADMIN, AUDITOR, MEMBER, GUEST = OrganisationRole
INSIDE = [ADMIN, AUDITOR, MEMBER]


def become(world, person, role):
    set_organisation_role(user=person.user, role=role)
    world.epochs.refresh()


def page(person, path):
    client = Client()
    client.force_login(person.user)
    return client.get(path)


@pytest.fixture
def papers(world):
    """A team space of alice's with a file in it, which bob, a guest, may manage."""
    team = world.alice.team("Papers")
    file = world.alice.upload("a.txt", b"text", parent=team["root"])["file"]["id"]
    world.alice.share(team["root"], world.bob, "manager")
    become(world, world.bob, GUEST)
    return team["root"], file


class TestGuests:
    def test_work_in_what_is_shared_with_them(self, world, papers):
        root, file = papers

        answered(world.bob.get(f"/api/download/{file}"))
        world.bob.upload("b.txt", b"mine", parent=root)
        assert world.bob.names(root) == ["a.txt", "b.txt"]

    def test_neither_share_nor_look_who_else_is_there(self, world, papers):
        root, _ = papers
        to_carol = access_path(root, world.carol)
        world.alice.share(root, world.carol, "viewer")

        for answer in (
            world.bob.call("PUT", to_carol, {"role": "viewer"}),
            world.bob.call("PUT", f"{to_carol}?dry_run=1", {"role": "viewer"}),
            world.bob.delete(to_carol),
            world.bob.get(f"/api/files/{root}/access"),
            world.bob.get(f"/api/files/{root}/links"),
            world.bob.post(f"/api/files/{root}/links", {"role": "view"}),
            world.bob.post("/api/spaces", {"name": "Mine", "kind": "team"}),
        ):
            refused(answer, 403, "permission_denied")

    def test_see_and_give_up_their_own_role(self, world, papers):
        root, _ = papers
        own = answered(world.bob.get(f"/api/files/{root}/access?user={world.bob.user.id}"))
        assert own["role"] == "manager"

        world.bob.unshare(root, world.bob)

        refused(world.bob.get(f"/api/files/{root}"), 404, "not_found")

    def test_are_not_handed_a_space(self, world, papers):
        root, _ = papers

        answer = world.alice.call("PUT", access_path(root, world.bob), {"role": "owner"})

        refused(answer, 422, "role_invalid")

    def test_are_offered_nothing_that_is_refused(self, world, papers):
        root, file = papers
        offers = (f"/files/{root}/share", f"/files/{file}/share", "/spaces/new")
        mine = page(world.alice, f"/files/{root}").content.decode()
        theirs = page(world.bob, f"/files/{root}").content.decode()

        assert [offer for offer in offers if offer in mine] == [*offers]
        assert [offer for offer in offers if offer in theirs] == []
        assert {page(world.bob, offer).status_code for offer in offers} == {403}

    def test_keep_nothing_of_their_own_here(self, world):
        gustav = Person(
            create_user(username="gustav", password="a good one", role=GUEST), world.plane
        )

        refused(gustav.register("a.txt", b"text"), 507, "quota_exceeded")

        assert gustav.names() == []


class TestBecomingAGuest:
    def test_loses_nothing_that_is_there(self, world):
        file = world.bob.upload("a.txt", b"text")["file"]["id"]

        become(world, world.bob, GUEST)

        answered(world.bob.get(f"/api/download/{file}"))
        refused(world.bob.register("b.txt", b"more"), 507, "quota_exceeded")

    def test_and_a_member_again_gives_the_usual_room(self, world):
        become(world, world.bob, GUEST)
        become(world, world.bob, MEMBER)

        assert world.bob.space.quota_bytes == (settings.DEFAULT_QUOTA_BYTES or None)
        world.bob.upload("a.txt", b"text")

    def test_leaves_a_quota_alone_between_other_roles(self, world):
        Space.objects.filter(id=world.bob.space.id).update(quota_bytes=7)

        become(world, world.bob, AUDITOR)

        assert world.bob.space.quota_bytes == 7

    def test_tells_of_the_room_in_the_audit_log(self, world):
        become(world, world.bob, GUEST)

        line = AuditLine.objects.get(action="quota_set")
        assert (line.chain, line.details["after"]) == (world.bob.space.id, 0)

    def test_stops_the_links_that_were_made_and_being_a_member_wakes_them(self, world):
        file = world.bob.upload("a.txt", b"text")["file"]["id"]
        link = answered(world.bob.post(f"/api/files/{file}/links", {"role": "download"}), 201)
        token = link["url"].rpartition("/")[2]
        visit = answered(world.nobody().post(f"/api/s/{token}/grant", {}), 201)["grant"]
        headers = {"Authorization": f"Bearer {visit}"}

        become(world, world.bob, GUEST)
        refused(world.nobody().get(f"/api/s/{token}"), 410, "link_gone")
        refused(world.nobody().get(f"/api/download/{file}", **headers), 401, "not_authenticated")

        become(world, world.bob, MEMBER)
        answered(world.nobody().get(f"/api/s/{token}"))

    def test_takes_what_was_shared_with_all_members_and_its_addresses(self, world):
        file = world.alice.upload("a.txt", b"text")["file"]["id"]
        world.alice.share(file, Group.objects.get(name=MEMBER), "viewer")
        [chunk] = answered(world.bob.get(f"/api/download/{file}"))["chunks"]

        become(world, world.bob, GUEST)

        refused(world.bob.get(f"/api/files/{file}"), 404, "not_found")
        refused(world.plane.get(path_of(chunk["url"])), 403, "token_revoked")


class TestSharingWithTheGroupOfARole:
    @pytest.mark.parametrize("role", OrganisationRole)
    def test_with_members_reaches_all_but_guests(self, world, role):
        file = world.alice.upload("a.txt", b"text")["file"]["id"]
        become(world, world.bob, role)

        world.alice.share(file, Group.objects.get(name=MEMBER), "viewer")

        status = world.bob.get(f"/api/files/{file}").status_code
        told = answered(world.alice.get(f"/api/files/{file}/access"))["people"]
        reached = "bob" in {each["user"]["username"] for each in told}
        assert (status == 200, reached) == (role in INSIDE, role in INSIDE)

    @pytest.mark.parametrize("role", [ADMIN, AUDITOR, GUEST])
    def test_with_another_reaches_just_those(self, world, role):
        file = world.alice.upload("a.txt", b"text")["file"]["id"]
        become(world, world.bob, role)

        world.alice.share(file, Group.objects.get(name=role), "viewer")

        answered(world.bob.get(f"/api/files/{file}"))
        refused(world.carol.get(f"/api/files/{file}"), 404, "not_found")


def test_reading_never_asks_for_the_role(world, monkeypatch):
    file = world.alice.upload("a.txt", b"text")["file"]["id"]

    def asked(*_):
        raise AssertionError

    monkeypatch.setattr("accounts.policy._permission_names", asked)
    monkeypatch.setattr("accounts.policy.roles_of", asked)

    answered(world.alice.get(f"/api/download/{file}"))
    answered(world.alice.get(f"/api/files/{world.alice.root}/children"))
    answered(world.alice.get(f"/api/files/{file}"))
