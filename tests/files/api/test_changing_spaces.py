"""POST, PATCH and DELETE of /api/spaces: team spaces are made, renamed, and go when empty."""

import pytest

from files.actions import spaces
from files.content.collect import collect
from files.content.verify import verify
from files.models import Change, Chunk, Entry, Epoch, JournalHead, Space, Upload, Version
from tests.files.api.answers import answered, node_objects, refused
from tests.world import path_of


def made(person, name="Team"):
    return answered(person.post("/api/spaces", {"name": name, "kind": "team"}), 201)


def names(person):
    return [space["name"] for space in answered(person.get("/api/spaces"))["results"]]


def damage():
    return [finding.text for finding in verify(deep=True) if finding.is_damage]


@pytest.fixture
def alice(world):
    return world.alice


class TestMaking:
    def test_a_team_space_belongs_to_whoever_makes_it(self, world, alice):
        space = made(alice, "Design team")

        assert space == {
            "id": space["id"],
            "name": "Design team",
            "kind": "team",
            "root": space["root"],
            "role": "owner",
            "quota_bytes": None,
            "used_bytes": 0,
            "stored_bytes": 0,
        }
        assert names(alice) == ["alice", "Design team"]
        assert names(world.bob) == ["bob"]
        assert damage() == []

    def test_its_top_folder_takes_files_and_has_its_name(self, alice):
        space = made(alice, "Design team")

        alice.upload("a.txt", b"text", parent=space["root"])

        assert answered(alice.get(f"/api/files/{space['root']}"))["name"] == "Design team"
        assert alice.names(space["root"]) == ["a.txt"]
        assert alice.names() == []

    def test_its_journal_begins_with_it(self, alice):
        space = made(alice)

        lines = answered(alice.get(f"/api/changes?space={space['id']}"))["results"]

        assert [(line["seq"], line["type"], line["entry"]) for line in lines] == [
            (1, "created", space["root"])
        ]

    def test_it_gets_the_quota_of_new_spaces(self, alice, settings):
        settings.DEFAULT_QUOTA_BYTES = 5000

        space = made(alice)

        assert space["quota_bytes"] == 5000
        refused(alice.register("big", b"x" * 5001, parent=space["root"]), 507, "quota_exceeded")

    @pytest.mark.parametrize("again", ["Team", "TEAM", "te\u0061m"])
    def test_asking_twice_makes_one(self, alice, again):
        first = made(alice, "Team")

        error = refused(
            alice.post("/api/spaces", {"name": again, "kind": "team"}), 409, "name_taken"
        )

        assert (error["id"], error["field"]) == (first["id"], "name")
        assert names(alice) == ["alice", "Team"]

    def test_two_people_may_use_one_name(self, world, alice):
        made(alice, "Team")
        made(world.bob, "Team")

    def test_a_space_may_be_called_like_a_person(self, alice):
        made(alice, "alice")

    @pytest.mark.parametrize("name", ["", " ", "a/b", "x" * 256, "\u202e", "a\x00", ".."])
    def test_names_are_those_that_folders_may_have(self, alice, name):
        body = {"name": name, "kind": "team"}

        assert refused(alice.post("/api/spaces", body), 422, "name_invalid")["field"] == "name"
        assert names(alice) == ["alice"]

    def test_a_vault_is_refused_until_there_are_any(self, alice):
        error = refused(
            alice.post("/api/spaces", {"name": "Secrets", "kind": "vault"}), 422, "kind_invalid"
        )

        assert (error["field"], error["hint"]) == ("kind", "Vaults come with a later release.")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"name": "x", "kind": "personal"}, "kind_invalid"),
            ({"name": "x", "kind": "TEAM"}, "kind_invalid"),
            ({"name": "x", "kind": None}, "type_invalid"),
            ({"name": "x", "kind": 1}, "type_invalid"),
            ({"name": 1, "kind": "team"}, "type_invalid"),
            ({"name": "x"}, "field_required"),
            ({"kind": "team"}, "field_required"),
            ({"name": "x", "kind": "team", "owner": "y"}, "unknown_field"),
            ({"name": "x", "kind": "team", "quota_bytes": None}, "unknown_field"),
            ([], "type_invalid"),
        ],
    )
    def test_other_bodies_are_refused(self, alice, body, code):
        refused(alice.post("/api/spaces", body), 422, code)

        assert names(alice) == ["alice"]

    def test_nobody_gets_room_without_end_by_making_spaces(self, alice, monkeypatch):
        monkeypatch.setattr(spaces, "MAX_TEAM_SPACES", 2)
        made(alice, "1")
        gone = made(alice, "2")

        error = refused(
            alice.post("/api/spaces", {"name": "3", "kind": "team"}), 409, "too_many_spaces"
        )
        assert error["limit"] == 2

        answered_empty(alice.delete(f"/api/spaces/{gone['id']}"))
        made(alice, "3")


def answered_empty(response):
    assert response.status_code == 204, response.content
    assert response.content == b""


class TestRenaming:
    def test_renames_the_top_folder_too_and_tells_the_journal(self, alice):
        space = made(alice, "Old")

        changed = answered(alice.patch(f"/api/spaces/{space['id']}", {"name": "New"}))

        assert changed == space | {"name": "New"}
        assert answered(alice.get(f"/api/files/{space['root']}"))["name"] == "New"
        lines = answered(alice.get(f"/api/changes?space={space['id']}"))["results"]
        assert [(line["type"], line["name"]) for line in lines] == [
            ("created", "Old"),
            ("renamed", "New"),
        ]
        assert damage() == []

    def test_to_the_same_name_changes_nothing(self, alice):
        space = made(alice, "Same")

        answered(alice.patch(f"/api/spaces/{space['id']}", {"name": "Same"}))

        assert JournalHead.objects.get(space=space["id"]).seq == 1

    def test_may_change_the_case_only(self, alice):
        space = made(alice, "team")

        answered(alice.patch(f"/api/spaces/{space['id']}", {"name": "Team"}))

        assert names(alice) == ["alice", "Team"]

    def test_a_taken_name_is_refused(self, alice):
        one, other = made(alice, "One"), made(alice, "Other")

        error = refused(
            alice.patch(f"/api/spaces/{other['id']}", {"name": "one"}), 409, "name_taken"
        )

        assert error["id"] == one["id"]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"name": "a/b"}, "name_invalid"),
            ({"name": None}, "type_invalid"),
            ({}, "field_required"),
            ({"name": "x", "kind": "team"}, "unknown_field"),
            ({"name": "x", "root": "y"}, "unknown_field"),
        ],
    )
    def test_other_bodies_are_refused(self, alice, body, code):
        space = made(alice)

        refused(alice.patch(f"/api/spaces/{space['id']}", body), 422, code)

        assert names(alice) == ["alice", "Team"]

    def test_a_personal_space_keeps_its_name(self, alice):
        refused(alice.patch(f"/api/spaces/{alice.space.id}", {"name": "Mine"}), 409, "is_personal")


class TestDeleting:
    def test_an_empty_space_goes_with_all_its_rows(self, alice):
        space = made(alice)
        file = alice.upload("a.txt", b"text", parent=space["root"])["file"]["id"]
        alice.delete(f"/api/files/{file}")
        alice.delete(f"/api/trash/{file}")

        answered_empty(alice.delete(f"/api/spaces/{space['id']}"))

        assert names(alice) == ["alice"]
        for rows in (
            Entry.objects.filter(space=space["id"]),
            Change.objects.filter(space=space["id"]),
            Upload.objects.filter(space=space["id"]),
            JournalHead.objects.filter(space=space["id"]),
            Space.objects.filter(id=space["id"]),
        ):
            assert not rows.exists()
        for path in (
            f"/api/files/{space['root']}",
            f"/api/files/{space['root']}/children",
            f"/api/changes?space={space['id']}",
            f"/api/trash?space={space['id']}",
            f"/api/search?q=a&space={space['id']}",
        ):
            refused(alice.get(path), 404, "not_found")
        refused(alice.delete(f"/api/spaces/{space['id']}"), 404, "not_found")
        assert damage() == []

    def test_its_name_is_free_again(self, alice):
        answered_empty(alice.delete(f"/api/spaces/{made(alice)['id']}"))

        made(alice)

    @pytest.mark.parametrize("what", ["file", "folder"])
    def test_what_is_in_it_is_never_deleted_with_it(self, alice, what):
        space = made(alice)
        if what == "file":
            alice.upload("a.txt", b"text", parent=space["root"])
        else:
            alice.folder("a", space["root"])

        error = refused(alice.delete(f"/api/spaces/{space['id']}"), 409, "space_not_empty")

        assert "Move its files elsewhere" in error["hint"]
        assert len(alice.names(space["root"])) == 1

    def test_what_is_in_its_trash_is_something_too(self, shared_world):
        alice = shared_world.alice
        space = made(alice)
        file = alice.upload("a.txt", b"text", parent=space["root"])["file"]["id"]
        alice.delete(f"/api/files/{file}")

        error = refused(alice.delete(f"/api/spaces/{space['id']}"), 409, "space_not_empty")

        assert "Its trash is not empty" in error["hint"]
        answered(alice.post(f"/api/trash/{file}/restore"))
        assert alice.download(file) == b"text"

    def test_a_personal_space_stays(self, alice):
        refused(alice.delete(f"/api/spaces/{alice.space.id}"), 409, "is_personal")

        assert names(alice) == ["alice"]

    def test_uploads_on_their_way_into_it_end_and_leave_nothing(self, shared_world):
        world, alice = shared_world, shared_world.alice
        space = made(alice)
        upload = answered(alice.register("a.bin", b"bytes", parent=space["root"]), 201)
        alice.send_all(upload, b"bytes")
        late = answered(alice.register("b.bin", b"other", parent=space["root"]), 201)

        answered_empty(alice.delete(f"/api/spaces/{space['id']}"))

        refused(alice.complete(upload["upload_id"]), 404, "not_found")
        refused(alice.get(f"/api/upload/{upload['upload_id']}"), 404, "not_found")
        refused(alice.register("c.bin", b"", parent=space["root"]), 404, "not_found")
        world.epochs.refresh()
        refused(alice.send(late["chunks"][0], b"other"), 403, "token_revoked")
        assert not Version.objects.exists()
        collect()
        assert (node_objects(), Chunk.objects.count()) == (set(), 0)
        assert list(verify(deep=True)) == []

    def test_a_copy_made_elsewhere_is_not_touched(self, shared_world):
        alice = shared_world.alice
        space = made(alice)
        file = alice.upload("a.txt", b"text", parent=space["root"])["file"]["id"]
        copy = answered(alice.post(f"/api/files/{file}/copy", {"parent": alice.root}), 201)["id"]
        alice.delete(f"/api/files/{file}")
        alice.delete(f"/api/trash/{file}")

        answered_empty(alice.delete(f"/api/spaces/{space['id']}"))

        collect()
        assert alice.download(copy) == b"text"
        assert damage() == []

    def test_everything_given_out_for_it_is_looked_at_again(self, alice):
        space = made(alice)

        answered_empty(alice.delete(f"/api/spaces/{space['id']}"))

        assert Epoch.objects.filter(id=space["id"]).exists()

    def test_a_file_address_from_before_stops(self, shared_world):
        world, alice = shared_world, shared_world.alice
        space = made(alice)
        file = alice.upload("a.txt", b"text", parent=space["root"])["file"]["id"]
        url = path_of(alice.get(f"/api/files/{file}/content")["Location"])
        assert world.plane.get(url).content == b"text"
        alice.delete(f"/api/files/{file}")
        alice.delete(f"/api/trash/{file}")

        answered_empty(alice.delete(f"/api/spaces/{space['id']}"))
        world.epochs.refresh()

        refused(world.plane.get(url), 403, "token_revoked")

    def test_a_long_journal_goes_in_pages(self, alice, monkeypatch):
        monkeypatch.setattr(spaces, "PAGE", 2)
        space = made(alice)
        for name in ("b", "c", "d", "e"):
            answered(alice.patch(f"/api/spaces/{space['id']}", {"name": name}))

        answered_empty(alice.delete(f"/api/spaces/{space['id']}"))

        assert not Change.objects.filter(space=space["id"]).exists()


class TestATokenThatMayOnlyRead:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/api/spaces", {"name": "x", "kind": "team"}),
            ("PATCH", "/api/spaces/{id}", {"name": "x"}),
            ("DELETE", "/api/spaces/{id}", None),
        ],
    )
    def test_changes_no_space(self, alice, method, path, body):
        space = made(alice)
        alice.user.tokens.update(scopes=["files:read"])

        error = refused(
            alice.call(method, path.replace("{id}", space["id"]), body), 403, "permission_denied"
        )

        assert error["scope"] == "files:write"
        assert names(alice) == ["alice", "Team"]
