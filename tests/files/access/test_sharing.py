"""Giving roles and taking them back, who is told of them, and what follows at once."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.actions import deactivate_user, end_session, revoke_token
from accounts.models import ApiToken, SignIn
from files.access.epochs import current
from files.models import Link, Space, UserGrant
from rapidserve.db import current_time
from tests.files.api.answers import answered, refused
from tests.world import access_path, path_of


@pytest.fixture
def world(shared_world):
    """The plane, with its own threads, sees what is shared."""
    return shared_world


@pytest.fixture
def papers(world):
    """A folder of alice's with a file in it; (folder, file)."""
    folder = world.alice.folder("papers")
    return folder, world.alice.upload("a.txt", b"text", parent=folder)["file"]["id"]


@pytest.fixture
def readers(world):
    """A group with bob in it."""
    group = Group.objects.create(name="readers")
    group.user_set.add(world.bob.user)
    return group


class TestGiving:
    def test_a_role_holds_for_everything_below(self, world, papers):
        folder, file = papers
        refused(world.bob.get(f"/api/files/{file}"), 404, "not_found")

        world.alice.share(folder, world.bob, "viewer")

        assert world.bob.download(file) == b"text"
        assert world.bob.names(folder) == ["a.txt"]
        refused(world.bob.get(f"/api/files/{world.alice.root}"), 404, "not_found")

    def test_of_several_roles_the_greatest_counts(self, world, papers):
        folder, file = papers
        world.alice.share(folder, world.bob, "editor")
        world.alice.share(file, world.bob, "previewer")

        assert answered(world.bob.patch(f"/api/files/{file}", {"name": "b.txt"}))["name"] == "b.txt"

    def test_what_it_lies_in_is_not_told(self, world, papers):
        folder, file = papers
        world.alice.share(file, world.bob, "viewer")

        assert answered(world.bob.get(f"/api/files/{file}"))["parent"] is None
        assert answered(world.alice.get(f"/api/files/{file}"))["parent"] == folder

    def test_a_group_gives_to_its_members(self, world, papers, readers):
        folder, file = papers
        world.alice.share(folder, readers, "viewer")

        assert world.bob.download(file) == b"text"
        refused(world.carol.get(f"/api/files/{file}"), 404, "not_found")

    def test_a_second_role_takes_the_place_of_the_first(self, world, papers):
        folder, file = papers
        world.alice.share(folder, world.bob, "editor")
        world.alice.share(folder, world.bob, "previewer")

        refused(world.bob.get(f"/api/download/{file}"), 403, "permission_denied")
        assert UserGrant.objects.count() == 1

    def test_a_manager_shares_on_but_neither_extends_nor_raises_himself(self, world, papers):
        folder, file = papers
        end = (current_time() + timedelta(days=1)).isoformat()
        world.alice.share(folder, world.bob, "manager", expires_at=end)

        world.bob.share(folder, world.carol, "viewer")

        assert world.carol.download(file) == b"text"
        again = world.bob.call("PUT", access_path(folder, world.bob), {"role": "manager"})
        refused(again, 409, "own_role")
        owning = world.bob.call("PUT", access_path(folder, world.carol), {"role": "owner"})
        refused(owning, 422, "role_invalid")

    @pytest.mark.parametrize("role", ["Viewer", "admin", "", None, 1, ["viewer"]])
    def test_what_is_no_role(self, world, papers, role):
        answer = world.alice.call("PUT", access_path(papers[0], world.bob), {"role": role})

        refused(answer, 422, "role_invalid")

    def test_what_is_nobody(self, world, papers):
        def put(subject):
            path = f"/api/files/{papers[0]}/access/{subject}"
            return world.alice.call("PUT", path, {"role": "viewer"})

        refused(put(f"user:{papers[0]}"), 422, "subject_unknown")
        refused(put("group:x"), 422, "subject_unknown")
        refused(put("group:999999"), 422, "subject_unknown")
        for nonsense in ("user:x", "user", "robot:1", ":", "user:"):
            refused(put(nonsense), 404, "not_found")
        world.bob.user.is_active = False
        world.bob.user.save(update_fields=["is_active"])
        refused(put(f"user:{world.bob.user.id}"), 422, "subject_unknown")

    def test_fields_that_are_not_for_the_client_are_refused(self, world, papers):
        body = {"role": "viewer", "granted_by": str(world.bob.user.id)}

        answer = world.alice.call("PUT", access_path(papers[0], world.bob), body)

        refused(answer, 422, "unknown_field")

    def test_a_date_that_has_passed(self, world, papers):
        body = {"role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}

        answer = world.alice.call("PUT", access_path(papers[0], world.bob), body)

        refused(answer, 422, "expires_at_invalid")

    def test_the_owner_has_every_role_already(self, world, papers):
        answer = world.alice.call("PUT", access_path(papers[0], world.alice), {"role": "viewer"})

        refused(answer, 409, "is_owner")


class TestTakingBack:
    def test_it_holds_at_once_and_for_addresses_that_were_given_out(self, world, papers):
        folder, file = papers
        world.alice.share(folder, world.bob, "viewer")
        [chunk] = answered(world.bob.get(f"/api/download/{file}"))["chunks"]
        assert world.plane.get(path_of(chunk["url"])).content == b"text"

        world.alice.unshare(folder, world.bob)
        world.epochs.refresh()

        refused(world.bob.get(f"/api/files/{file}"), 404, "not_found")
        refused(world.plane.get(path_of(chunk["url"])), 403, "token_revoked")
        [again] = answered(world.alice.get(f"/api/download/{file}"))["chunks"]
        assert world.plane.get(path_of(again["url"])).content == b"text"

    @pytest.mark.parametrize("how", ["removed", "left", "emptied", "deleted"])
    def test_leaving_a_group_likewise(self, world, papers, readers, how):
        folder, file = papers
        world.alice.share(folder, readers, "viewer")
        [chunk] = answered(world.bob.get(f"/api/download/{file}"))["chunks"]

        if how == "removed":
            readers.user_set.remove(world.bob.user)
        elif how == "left":
            world.bob.user.groups.remove(readers)
        elif how == "emptied":
            readers.user_set.clear()
        else:
            readers.delete()
        world.epochs.refresh()

        refused(world.bob.get(f"/api/files/{file}"), 404, "not_found")
        refused(world.plane.get(path_of(chunk["url"])), 403, "token_revoked")

    def test_moving_it_away_likewise(self, world, papers):
        folder, file = papers
        elsewhere = world.alice.folder("elsewhere")
        world.alice.share(folder, world.bob, "viewer")
        [chunk] = answered(world.bob.get(f"/api/download/{file}"))["chunks"]

        answered(world.alice.patch(f"/api/files/{file}", {"parent": elsewhere}))
        world.epochs.refresh()

        refused(world.bob.get(f"/api/files/{file}"), 404, "not_found")
        refused(world.plane.get(path_of(chunk["url"])), 403, "token_revoked")

    def test_addresses_end_with_the_role(self, world, papers):
        folder, file = papers
        end = current_time() + timedelta(seconds=60)
        world.alice.share(folder, world.bob, "viewer", expires_at=end.isoformat())

        manifest = answered(world.bob.get(f"/api/download/{file}"))

        assert datetime.fromisoformat(manifest["expires_at"]) <= end

    def test_owning_is_not_taken_back(self, world):
        root = world.alice.team("Team")["root"]
        for query in ("", "?dry_run=1"):
            answer = world.alice.delete(f"{access_path(root, world.alice)}{query}")
            refused(answer, 409, "is_owner")

    def test_of_who_was_deactivated_since(self, world, papers):
        world.alice.share(papers[0], world.bob, "viewer")
        world.bob.user.is_active = False
        world.bob.user.save(update_fields=["is_active"])

        answered(world.alice.delete(f"{access_path(papers[0], world.bob)}?dry_run=1"))
        world.alice.unshare(papers[0], world.bob)

    @pytest.mark.parametrize("way", ["token", "session", "link", "person"])
    def test_in_the_middle_of_asking_for_addresses(self, world, papers, way, monkeypatch):
        """After it was known who asks, and before the epochs are read: else they would be new."""
        file = papers[1]
        link = answered(world.alice.post(f"/api/files/{file}/links", {"role": "download"}), 201)
        visitor, browser = world.nobody(), Client()
        token = link["url"].rpartition("/")[2]
        visitor.token = answered(visitor.post(f"/api/s/{token}/grant", {}), 201)["grant"]
        browser.force_login(world.alice.user)
        withdraw = {
            "token": lambda: revoke_token(token=ApiToken.objects.get(user=world.alice.user)),
            "session": lambda: end_session(sign_in=SignIn.objects.get()),
            "link": lambda: Link.objects.update(revoked_at=current_time()),
            "person": lambda: deactivate_user(user=world.alice.user),
        }[way]

        def meanwhile(subjects):
            withdraw()
            return current(subjects)

        monkeypatch.setattr("files.access.lasting.current", meanwhile)

        ask = {"session": browser, "link": visitor}.get(way, world.alice)
        refused(ask.get(f"/api/download/{file}"), 401, "not_authenticated")

    def test_what_was_given_above_is_taken_back_there(self, world, papers):
        folder, file = papers
        world.alice.share(folder, world.bob, "viewer")

        refused(world.alice.delete(access_path(file, world.bob)), 409, "inherited")
        refused(world.alice.delete(access_path(folder, world.carol)), 404, "not_found")

    def test_everybody_may_give_up_his_own(self, world, papers):
        folder, _ = papers
        world.alice.share(folder, world.bob, "previewer")

        world.bob.unshare(folder, world.bob)

        refused(world.bob.get(f"/api/files/{folder}"), 404, "not_found")
        refused(world.bob.delete(access_path(folder, world.bob)), 404, "not_found")


class TestExplaining:
    def test_who_may_what_and_from_where(self, world, papers, readers):
        folder, file = papers
        world.alice.share(folder, readers, "viewer")
        world.alice.share(file, world.carol, "editor")

        listed = answered(world.alice.get(f"/api/files/{file}/access"))

        lines = [
            (line["subject"]["name"], line["role"], line["inherited_from"])
            for line in listed["results"]
        ]
        top = {"id": world.alice.root, "name": "My files"}
        assert lines == [
            ("alice", "owner", top),
            ("readers", "viewer", {"id": folder, "name": "papers"}),
            ("carol", "editor", None),
        ]
        people = [(each["user"]["username"], each["role"]) for each in listed["people"]]
        assert people == [("alice", "owner"), ("bob", "viewer"), ("carol", "editor")]

    def test_folders_above_that_one_may_not_see_are_not_named(self, world, papers):
        folder, file = papers
        world.alice.share(folder, world.carol, "viewer")
        world.alice.share(file, world.bob, "manager")

        listed = answered(world.bob.get(f"/api/files/{file}/access"))

        assert [line["inherited_from"] for line in listed["results"]] == [
            {"id": None, "name": None},
            {"id": None, "name": None},
            None,
        ]
        assert "papers" not in str(listed)

    def test_why_one_person_can_or_can_not(self, world, papers, readers):
        folder, file = papers

        def why(person):
            path = f"/api/files/{file}/access?user={person.user.id}"
            explained = answered(world.alice.get(path))
            return explained["why"], explained["role"], len(explained["reasons"])

        assert why(world.alice) == ("owner", "owner", 1)
        assert why(world.carol) == ("nothing_granted", None, 0)
        world.alice.share(folder, readers, "viewer")
        world.alice.share(file, world.bob, "previewer")
        assert why(world.bob) == ("granted", "viewer", 2)
        world.alice.share(folder, world.carol, "viewer")
        UserGrant.objects.filter(user=world.carol.user).update(expires_at=current_time())
        assert why(world.carol) == ("expired", None, 1)
        world.bob.user.is_active = False
        world.bob.user.save(update_fields=["is_active"])
        assert why(world.bob) == ("deactivated", None, 2)

    def test_one_may_ask_about_oneself_only(self, world, papers):
        folder, _ = papers
        world.alice.share(folder, world.bob, "viewer")

        own = answered(world.bob.get(f"/api/files/{folder}/access?user={world.bob.user.id}"))

        assert (own["why"], own["role"]) == ("granted", "viewer")
        other = world.bob.get(f"/api/files/{folder}/access?user={world.alice.user.id}")
        refused(other, 403, "permission_denied")

    def test_a_trial_says_who_gains_and_who_loses_and_changes_nothing(self, world, papers, readers):
        folder, _ = papers
        world.alice.share(folder, world.bob, "editor")

        def trial(method, subject, body=None):
            path = f"{access_path(folder, subject)}?dry_run=1"
            foreseen = answered(world.alice.call(method, path, body))
            return {
                kind: [(s["user"]["username"], s["before"], s["after"]) for s in shifts]
                for kind, shifts in foreseen.items()
            }

        readers.user_set.add(world.carol.user)
        assert trial("PUT", readers, {"role": "viewer"}) == {
            "gains": [("carol", None, "viewer")],
            "loses": [],
        }
        assert trial("PUT", world.bob, {"role": "viewer"}) == {
            "gains": [],
            "loses": [("bob", "editor", "viewer")],
        }
        assert trial("DELETE", world.bob) == {"gains": [], "loses": [("bob", "editor", None)]}
        own = f"{access_path(folder, world.bob)}?dry_run=1"
        assert answered(world.bob.delete(own))["loses"][0]["user"]["username"] == "bob"
        assert [grant.user for grant in UserGrant.objects.all()] == [world.bob.user]

    def test_a_trial_refuses_what_the_change_refuses(self, world, papers):
        folder, _ = papers
        team = world.alice.team("Team")["root"]
        past, later = "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"
        for entry, body in (
            (folder, {"role": "viewer", "expires_at": past}),
            (team, {"role": "owner", "expires_at": later}),
        ):
            path = access_path(entry, world.bob)
            for query in ("", "?dry_run=1"):
                answer = world.alice.call("PUT", f"{path}{query}", body)
                refused(answer, 422, "expires_at_invalid")

    @pytest.mark.parametrize("number", ["2147483648", "9223372036854775808", "9" * 30, "0", "1_0"])
    def test_a_group_that_no_database_can_hold(self, world, papers, number):
        path = f"/api/files/{papers[0]}/access/group:{number}"

        for query in ("", "?dry_run=1"):
            refused(world.alice.delete(f"{path}{query}"), 404, "not_found")
            answer = world.alice.call("PUT", f"{path}{query}", {"role": "viewer"})
            refused(answer, 422, "subject_unknown")


class TestSharedWithMe:
    def test_what_was_shared_by_itself_by_name(self, world, papers):
        folder, file = papers
        other = world.alice.folder("an other")
        team = world.alice.team("Team")
        for entry in (folder, file, other, team["root"]):
            world.alice.share(entry, world.bob, "viewer")

        listed = answered(world.bob.get("/api/shared"))["results"]

        assert [entry["name"] for entry in listed] == ["an other", "papers"]
        spaces = answered(world.bob.get("/api/spaces"))["results"]
        assert {space["name"] for space in spaces} == {"bob", "Team"}

    def test_pages(self, world):
        for number in range(5):
            world.alice.share(world.alice.folder(f"f{number}"), world.bob, "viewer")

        first = answered(world.bob.get("/api/shared?limit=3"))
        rest = answered(world.bob.get(f"/api/shared?limit=3&cursor={first['next']}"))

        names = [entry["name"] for entry in first["results"] + rest["results"]]
        assert names == ["f0", "f1", "f2", "f3", "f4"]
        assert rest["next"] is None

    def test_what_lies_in_the_trash_is_not_there(self, world, papers):
        folder, file = papers
        world.alice.share(file, world.bob, "viewer")
        world.alice.delete(f"/api/files/{folder}")

        assert answered(world.bob.get("/api/shared"))["results"] == []

    def test_it_is_found(self, world, papers):
        folder, file = papers
        world.alice.upload("a secret.txt", b"")
        world.alice.share(folder, world.bob, "previewer")

        found = answered(world.bob.get("/api/search?q=a"))["results"]

        assert [entry["id"] for entry in found] == [file, folder]


class TestTheFeedOfAGuest:
    def lines(self, person, space):
        changes = answered(person.get(f"/api/changes?space={space}"))["results"]
        return [(line["type"], line["name"], line["parent"]) for line in changes]

    def test_has_what_he_sees_and_what_was_taken_away(self, world, papers):
        folder, file = papers
        alice, space = world.alice, world.alice.space.id
        alice.share(folder, world.bob, "viewer")
        secret = alice.folder("secret")
        alice.upload("b.txt", b"", parent=folder)
        answered(alice.patch(f"/api/files/{file}", {"parent": secret, "name": "hidden.txt"}))
        alice.upload("c.txt", b"", parent=secret)

        assert self.lines(world.bob, space) == [
            ("created", "papers", None),
            ("created", "b.txt", folder),
            ("removed", "", folder),
        ]
        refused(world.carol.get(f"/api/changes?space={space}"), 404, "not_found")

    def test_calls_what_came_into_sight_as_it_is_called_there(self, world, papers):
        folder, _ = papers
        world.alice.share(folder, world.bob, "viewer")
        plan = world.alice.upload("layoffs.txt", b"")["file"]["id"]
        changed = {"parent": folder, "name": "plan.txt"}
        answered(world.alice.patch(f"/api/files/{plan}", changed))

        lines = self.lines(world.bob, world.alice.space.id)

        assert lines[-2:] == [("created", "plan.txt", None), ("moved", "plan.txt", folder)]
        assert "layoffs.txt" not in [name for _, name, _ in lines]

    def test_goes_on_behind_what_he_does_not_see(self, world, papers):
        folder, _ = papers
        world.alice.share(folder, world.bob, "viewer")
        for number in range(5):
            world.alice.folder(f"other {number}")
        world.alice.upload("last.txt", b"", parent=folder)
        space, cursor, names = world.alice.space.id, "", []

        for _ in range(9):
            path = f"/api/changes?space={space}&limit=2{cursor}"
            page = answered(world.bob.get(path))
            names += [line["name"] for line in page["results"]]
            cursor = f"&cursor={page['cursor']}"
            if not page["has_more"]:
                break

        assert names == ["papers", "a.txt", "last.txt"]


class TestHandingASpaceOver:
    def role(self, person):
        [team] = [s for s in answered(person.get("/api/spaces"))["results"] if s["kind"] == "team"]
        return team["role"]

    def test_the_old_owner_becomes_a_manager(self, world):
        team = world.alice.team("Team")
        world.alice.share(team["root"], world.bob, "viewer")

        world.alice.share(team["root"], world.bob, "owner")

        assert Space.objects.get(id=team["id"]).owner == world.bob.user
        assert (self.role(world.alice), self.role(world.bob)) == ("manager", "owner")
        assert [grant.user for grant in UserGrant.objects.all()] == [world.alice.user]

    def test_a_trial_of_it(self, world):
        team = world.alice.team("Team")
        path = f"{access_path(team['root'], world.bob)}?dry_run=1"

        foreseen = answered(world.alice.call("PUT", path, {"role": "owner"}))

        told = {
            kind: [(s["user"]["username"], s["before"], s["after"]) for s in shifts]
            for kind, shifts in foreseen.items()
        }
        assert told == {
            "gains": [("bob", None, "owner")],
            "loses": [("alice", "owner", "manager")],
        }
        assert Space.objects.get(id=team["id"]).owner == world.alice.user

    def test_only_by_its_owner_and_only_as_a_whole(self, world, papers):
        team = world.alice.team("Team")
        world.alice.share(team["root"], world.bob, "manager")

        def hand_over(person, entry):
            return person.call("PUT", access_path(entry, world.carol), {"role": "owner"})

        refused(hand_over(world.bob, team["root"]), 403, "permission_denied")
        refused(hand_over(world.alice, papers[0]), 422, "role_invalid")
        refused(hand_over(world.alice, world.alice.root), 422, "role_invalid")


class TestWhatAGuestMayNotReach:
    def test_the_top_when_his_folder_is_gone(self, world, papers):
        folder, file = papers
        world.alice.share(file, world.bob, "editor")
        world.bob.delete(f"/api/files/{file}")
        world.alice.delete(f"/api/files/{folder}")

        answer = world.bob.post(f"/api/trash/{file}/restore")

        refused(answer, 403, "permission_denied")

    def test_chunks_of_the_space_by_their_hash(self, world, papers):
        """He may write, but does not see the root: what the space holds is not told."""
        folder, _ = papers
        secret = b"known only to alice"
        world.alice.upload("elsewhere.txt", secret)
        world.alice.share(folder, world.bob, "manager")

        slots = answered(world.bob.register("x", secret, parent=folder), 201)["chunks"]

        assert [slot["state"] for slot in slots] == ["upload"]

    def test_ids_of_what_lies_beside_his_file(self, world, papers):
        folder, file = papers
        hidden = world.alice.upload("layoffs.txt", b"", parent=folder)["file"]["id"]
        world.alice.share(file, world.bob, "editor")
        rename = {"name": "LAYOFFS.txt"}

        error = refused(world.bob.patch(f"/api/files/{file}", rename), 409, "name_taken")
        assert "id" not in error

        error = refused(world.alice.patch(f"/api/files/{file}", rename), 409, "name_taken")
        assert error["id"] == hidden

    def test_what_became_of_his_upload(self, world, papers):
        folder, _ = papers
        world.alice.share(folder, world.bob, "editor")
        registered = answered(world.bob.register("n.txt", b"new", parent=folder), 201)
        world.bob.send_all(registered, b"new")
        answered(world.bob.complete(registered["upload_id"]))

        world.alice.unshare(folder, world.bob)

        refused(world.bob.complete(registered["upload_id"]), 410, "upload_gone")

    def test_moving_something_to_where_he_may_not_write(self, world, papers):
        folder, file = papers
        other = world.alice.folder("other")
        world.alice.share(folder, world.bob, "editor")
        world.alice.share(other, world.bob, "viewer")

        refused(world.bob.patch(f"/api/files/{file}", {"parent": other}), 403, "permission_denied")
        answer = world.bob.patch(f"/api/files/{file}", {"parent": world.alice.root})
        refused(answer, 404, "not_found")
