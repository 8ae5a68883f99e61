"""The audit log: what is told in it, and that tampering shows."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from files.journal.audit import NO_SPACE, problems
from files.models import AuditHead, AuditLine
from tests.files.api.answers import answered
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def papers(world):
    return world.alice.folder("papers")


def lines(chain):
    return list(AuditLine.objects.filter(chain=chain).order_by("seq"))


def told(chain, action):
    return [line for line in lines(chain) if line.action == action]


class TestWhatIsTold:
    def test_who_did_what_to_which_entry_from_where(self, world, papers):
        answered(world.alice.patch(f"/api/files/{papers}", {"name": "letters"}))

        line = lines(world.alice.space.id)[-1]

        assert (line.action, str(line.entry), line.name) == ("renamed", papers, "letters")
        assert line.actor == world.alice.user.id
        assert line.via.startswith("token:")
        assert line.address == "127.0.0.1"

    def test_every_change_of_the_journal(self, world, papers):
        world.alice.pack(
            [({"name": f"{n}", "size": 1, "sha256": SHA_OF_A}, b"a") for n in range(3)]
        )
        world.alice.delete(f"/api/files/{papers}")
        world.alice.post(f"/api/trash/{papers}/restore")

        actions = [line.action for line in lines(world.alice.space.id)]

        assert actions == ["created"] * 4 + ["trashed", "restored"]

    def test_sharing(self, world, papers):
        world.alice.share(papers, world.bob, "editor")
        world.alice.unshare(papers, world.bob)

        [given] = told(world.alice.space.id, "shared")
        [taken] = told(world.alice.space.id, "unshared")
        bob = f"user:{world.bob.user.id}"
        assert given.details == {"subject": bob, "name": "bob", "role": "editor"}
        assert taken.details == {"subject": bob}

    def test_links_and_their_visitors(self, world, papers):
        link = answered(world.alice.post(f"/api/files/{papers}/links", {"role": "upload"}), 201)
        visitor = world.nobody()
        grant = visitor.post(f"/api/s/{link['url'].rpartition('/')[2]}/grant", {"name": "Dora"})
        visitor.token = answered(grant, 201)["grant"]
        upload = answered(visitor.register("x", b"", parent=papers), 201)["upload_id"]
        answered(visitor.complete(upload))
        world.alice.delete(f"/api/links/{link['id']}")

        space = world.alice.space.id
        [visited] = told(space, "link_visited")
        assert (visited.actor, visited.via) == (None, f"link:{link['id']}")
        dropped = [line for line in told(space, "created") if line.name == "x"]
        assert [line.via for line in dropped] == [f"link:{link['id']}"]
        assert len(told(space, "link_made")) == len(told(space, "link_revoked")) == 1

    def test_people_and_what_they_come_with(self, world):
        body = {"username": "alice", "password": PASSWORD, "name": "laptop"}
        token = answered(world.alice.post("/api/auth/token", body), 201)
        world.alice.post("/api/auth/token", body | {"password": "wrong"})
        world.alice.delete(f"/api/auth/tokens/{token['id']}")
        readers = Group.objects.create(name="readers")
        readers.user_set.add(world.alice.user)
        staff = Client()
        world.alice.user.is_staff = world.alice.user.is_superuser = True
        world.alice.user.save()
        staff.force_login(world.alice.user)
        staff.post(
            "/admin/accounts/user/",
            {"action": "deactivate", "_selected_action": [str(world.bob.user.id)]},
        )

        actions = [(line.action, line.name) for line in lines(NO_SPACE)]

        for expected in (
            ("user_created", "alice"),
            ("signed_in", "alice"),
            ("token_made", "alice"),
            ("sign_in_failed", "alice"),
            ("token_revoked", "alice"),
            ("user_deactivated", "bob"),
        ):
            assert expected in actions
        assert "groups_add" in dict(actions)
        [gone] = told(NO_SPACE, "user_deactivated")
        assert (gone.actor, gone.via) == (world.alice.user.id, "admin")
        assert PASSWORD not in str(list(AuditLine.objects.values()))
        assert token["token"] not in str(list(AuditLine.objects.values()))


SHA_OF_A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


class TestTampering:
    @pytest.fixture
    def chain(self, world, papers):
        for name in ("one", "two", "three"):
            world.alice.folder(name, papers)
        return world.alice.space.id

    def test_as_it_was_written_nothing_is_wrong(self, chain):
        assert list(problems()) == []
        out = StringIO()
        call_command("verify_audit", stdout=out)
        head = AuditHead.objects.get(id=chain)
        assert f"{chain} {head.seq} {head.digest}" in out.getvalue()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("action", "trashed"),
            ("name", "else"),
            ("address", "10.0.0.1"),
            ("actor", None),
            ("via", ""),
            ("entry", None),
            ("details", {}),
            ("at", "2020-01-01T00:00:00Z"),
            ("digest", "0" * 64),
        ],
    )
    def test_a_line_that_was_changed_shows(self, chain, field, value):
        AuditLine.objects.filter(chain=chain, seq=2).update(**{field: value})

        [problem] = problems()

        assert str(chain) in problem
        with pytest.raises(SystemExit) as ended:
            call_command("verify_audit", stdout=StringIO())
        assert ended.value.code == 1

    @pytest.mark.parametrize("seq", [1, 2, 4])
    def test_one_that_was_removed_shows(self, chain, seq):
        AuditLine.objects.filter(chain=chain, seq=seq).delete()

        assert len(list(problems())) == 1

    def test_a_chain_that_was_removed_shows(self, chain):
        AuditHead.objects.filter(id=chain).delete()

        assert "has lines, and no head" in next(problems())

    def test_two_that_changed_places_show(self, chain):
        second, third = lines(chain)[1:3]
        AuditLine.objects.filter(id=second.id).update(seq=99)
        AuditLine.objects.filter(id=third.id).update(seq=2)
        AuditLine.objects.filter(id=second.id).update(seq=3)

        assert len(list(problems())) == 1


def test_it_is_exported_as_json_lines(world, papers):
    out = StringIO()
    call_command("export_audit", space=str(world.alice.space.id), stdout=out)

    exported = [json.loads(line) for line in out.getvalue().splitlines()]

    assert [line["seq"] for line in exported] == [1]
    assert exported[0]["name"] == "papers"
    assert exported[0]["digest"] == AuditHead.objects.get(id=world.alice.space.id).digest


def test_the_administration_exports_what_is_filtered(world, papers):
    world.alice.folder("other")
    world.alice.user.is_staff = world.alice.user.is_superuser = True
    world.alice.user.save()
    staff = Client()
    staff.force_login(world.alice.user)
    address = "/admin/files/auditline/"
    assert b"papers" in staff.get(address).content
    line = AuditLine.objects.get(name="papers")

    answer = staff.post(address, {"action": "export", "_selected_action": [str(line.id)]})

    [exported] = b"".join(answer.streaming_content).decode().splitlines()
    assert json.loads(exported)["name"] == "papers"


def test_what_is_undone_is_not_told(world, papers):
    before = AuditLine.objects.count()

    assert (
        world.alice.post(
            "/api/files", {"parent": world.alice.root, "name": "papers", "type": "folder"}
        ).status_code
        == 409
    )

    assert AuditLine.objects.count() == before
