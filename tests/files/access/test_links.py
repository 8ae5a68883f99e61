"""Public links for programs: what they open, what they count, and how they end."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection

from accounts.actions import deactivate_user, make_token
from files.models import Link, Upload, Visit
from rapidserve.db import current_time
from tests.files.api.answers import answered, refused
from tests.world import access_path, chunks_of, path_of, specs_of

UNKNOWN = "A" * 22


@pytest.fixture
def world(shared_world):
    """The plane, with its own threads, sees what is shared."""
    return shared_world


@pytest.fixture
def papers(world):
    """(folder, file in it) of alice's."""
    folder = world.alice.folder("papers")
    return folder, world.alice.upload("a.txt", b"text", parent=folder)["file"]["id"]


@pytest.fixture
def nobody(world):
    """Somebody without an account. `token` is the grant he has, if any."""
    return world.nobody()


def make(world, entry, role="download", **limits):
    return answered(world.alice.post(f"/api/files/{entry}/links", {"role": role} | limits), 201)


def token_in(link):
    return link["url"].rpartition("/")[2]


def grant(nobody, link, **body):
    return answered(nobody.post(f"/api/s/{token_in(link)}/grant", body), 201)["grant"]


class TestMaking:
    def test_a_link_has_an_address_of_128_bits(self, world, papers):
        link = make(world, papers[1])

        assert re.fullmatch(r"http://testserver/s/[A-Za-z0-9_-]{22}", link["url"])
        assert link | {"id": "", "url": "", "created_at": ""} == {
            "id": "",
            "url": "",
            "role": "download",
            "has_password": False,
            "expires_at": None,
            "max_downloads": None,
            "downloads": 0,
            "created_at": "",
        }
        listed = answered(world.alice.get(f"/api/files/{papers[1]}/links"))["results"]
        assert listed == [link] == [answered(world.alice.get(f"/api/links/{link['id']}"))]

    def test_neither_its_token_nor_its_password_is_stored(self, world, papers):
        link = make(world, papers[1], password="open sesame")

        row = str(list(Link.objects.values()))
        assert token_in(link) not in row
        assert "open sesame" not in row

    def test_of_another_secret_key_the_address_works_and_is_not_shown(
        self, world, papers, nobody, settings
    ):
        link = make(world, papers[1])
        settings.SECRET_KEY = "another"

        assert answered(nobody.get(f"/api/s/{token_in(link)}"))["role"] == "download"
        assert Link.objects.get().digest
        shown = world.alice.get(f"/api/files/{papers[1]}/links")
        assert answered(shown)["results"][0]["url"] is None

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "field_required"),
            ({"role": "owner"}, "role_invalid"),
            ({"role": "viewer"}, "role_invalid"),
            ({"role": "download", "password": ""}, "password_invalid"),
            ({"role": "download", "password": "abc"}, "password_invalid"),
            ({"role": "download", "password": "x" * 1025}, "password_invalid"),
            ({"role": "download", "password": 12345}, "password_invalid"),
            ({"role": "download", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at_invalid"),
            ({"role": "download", "expires_at": "tomorrow"}, "time_invalid"),
            ({"role": "download", "max_downloads": 0}, "max_downloads_invalid"),
            ({"role": "download", "max_downloads": True}, "max_downloads_invalid"),
            ({"role": "download", "downloads": 1}, "unknown_field"),
            ({"role": "download", "created_by": UNKNOWN}, "unknown_field"),
        ],
    )
    def test_what_is_no_link(self, world, papers, body, code):
        refused(world.alice.post(f"/api/files/{papers[1]}/links", body), 422, code)

    def test_files_are_dropped_into_folders(self, world, papers):
        answer = world.alice.post(f"/api/files/{papers[1]}/links", {"role": "upload"})

        refused(answer, 409, "not_a_folder")

    def test_the_organisation_may_want_passwords_and_an_end(self, world, papers, settings):
        settings.LINK_PASSWORDS, settings.LINK_MAX_DAYS = "required", 7
        path = f"/api/files/{papers[1]}/links"
        end = current_time() + timedelta(days=3)

        refused(world.alice.post(path, {"role": "view"}), 422, "password_invalid")
        body = {"role": "view", "password": "open sesame"}
        refused(world.alice.post(path, body), 422, "expires_at_invalid")
        late = {"expires_at": (end + timedelta(days=30)).isoformat()}
        refused(world.alice.post(path, body | late), 422, "expires_at_invalid")
        made = answered(world.alice.post(path, body | {"expires_at": end.isoformat()}), 201)
        change = world.alice.patch(f"/api/links/{made['id']}", {"password": None})
        refused(change, 422, "password_invalid")

    def test_who_may_not_read_by_his_token_lets_nobody_read_by_a_link(self, world, papers):
        link = make(world, papers[1])
        writer = world.alice
        writer.token = make_token(user=writer.user, name="w", scopes=["files:write"]).text
        path = f"/api/files/{papers[0]}"

        for role in ("view", "download"):
            error = refused(writer.post(f"{path}/links", {"role": role}), 403, "permission_denied")
            assert error["scope"] == "files:read"
        refused(writer.patch(f"/api/links/{link['id']}", {}), 403, "permission_denied")
        to_bob = writer.call("PUT", access_path(papers[0], world.bob), {"role": "viewer"})
        refused(to_bob, 403, "permission_denied")
        answered(writer.post(f"{path}/links", {"role": "upload"}), 201)

    def test_is_for_who_may_share(self, world, papers):
        link = make(world, papers[0])
        world.alice.share(papers[0], world.bob, "editor")

        for answer in (
            world.bob.post(f"/api/files/{papers[0]}/links", {"role": "view"}),
            world.bob.get(f"/api/files/{papers[0]}/links"),
            world.bob.get(f"/api/links/{link['id']}"),
            world.bob.patch(f"/api/links/{link['id']}", {}),
            world.bob.delete(f"/api/links/{link['id']}"),
        ):
            refused(answer, 403, "permission_denied")
        refused(world.carol.delete(f"/api/links/{link['id']}"), 404, "not_found")


class TestVisiting:
    def test_a_file_is_downloaded(self, world, papers, nobody):
        link = make(world, papers[1])
        seen = answered(nobody.get(f"/api/s/{token_in(link)}"))
        assert (seen["entry"]["name"], seen["needs_password"]) == ("a.txt", False)

        nobody.token = grant(nobody, link)

        assert nobody.download(papers[1]) == b"text"
        whole = nobody.get(f"/api/files/{papers[1]}/content")
        assert world.plane.get(path_of(whole.headers["Location"])).content == b"text"

    def test_a_folder_is_looked_through(self, world, papers, nobody):
        folder, _ = papers
        inner = world.alice.folder("inner", folder)
        world.alice.upload("b.txt", b"more", parent=inner)
        nobody.token = grant(nobody, make(world, folder))

        assert nobody.names(folder) == ["inner", "a.txt"]
        assert nobody.names(inner) == ["b.txt"]

    def test_nothing_else_is_there(self, world, papers, nobody):
        folder, _ = papers
        outside = world.alice.upload("outside.txt", b"secret")["file"]["id"]
        nobody.token = grant(nobody, make(world, folder))

        for entry in (outside, world.alice.root):
            refused(nobody.get(f"/api/files/{entry}"), 404, "not_found")
            refused(nobody.get(f"/api/download/{entry}"), 404, "not_found")
            refused(nobody.get(f"/api/files/{entry}/children"), 404, "not_found")

    def test_a_grant_opens_no_other_call(self, world, papers, nobody):
        """It is nobody's: neither its maker's account nor his spaces are behind it."""
        nobody.token = grant(nobody, make(world, papers[0]))

        for path in ("auth/me", "spaces", "search?q=a", "changes", "trash", "shared", "users?q=al"):
            refused(nobody.get(f"/api/{path}"), 401, "not_authenticated")
        refused(nobody.get(f"/api/files/{papers[1]}/versions"), 401, "not_authenticated")
        refused(nobody.post(f"/api/files/{papers[0]}/links", {}), 401, "not_authenticated")

    def test_and_changes_nothing(self, world, papers, nobody):
        folder, file = papers
        nobody.token = grant(nobody, make(world, folder))

        refused(nobody.patch(f"/api/files/{file}", {"name": "b"}), 403, "permission_denied")
        refused(nobody.delete(f"/api/files/{file}"), 403, "permission_denied")
        refused(nobody.register("b.txt", b"", parent=folder), 403, "permission_denied")

    def test_names_of_people_are_not_told(self, world, papers, nobody):
        link = make(world, papers[0])
        nobody.token = grant(nobody, link)

        for path in (f"/api/s/{token_in(link)}", f"/api/files/{papers[0]}/children"):
            assert "alice" not in str(answered(nobody.get(path)))

    def test_looking_only(self, world, papers, nobody):
        folder, file = papers
        nobody.token = grant(nobody, make(world, folder, "view"))

        assert nobody.names(folder) == ["a.txt"]
        refused(nobody.get(f"/api/download/{file}"), 403, "permission_denied")
        refused(nobody.get(f"/api/files/{file}/content"), 403, "permission_denied")

    @pytest.mark.parametrize("token", [UNKNOWN, "x", "%00", "a" * 3000, "lg_x", "../x"])
    def test_what_is_no_token(self, nobody, token):
        for answer in (nobody.get(f"/api/s/{token}"), nobody.post(f"/api/s/{token}/grant", {})):
            refused(answer, 404, "not_found")

    @pytest.mark.parametrize("token", ["lg_", "lg_" + "A" * 43, "lg_" + "A" * 4000, "lg_é"])
    def test_what_is_no_grant(self, world, papers, nobody, token):
        nobody.token = token

        refused(nobody.get(f"/api/files/{papers[1]}"), 401, "not_authenticated")


class TestPasswords:
    def test_nothing_is_told_before_it(self, world, papers, nobody):
        link = make(world, papers[1], password="open sesame")

        seen = answered(nobody.get(f"/api/s/{token_in(link)}"))

        assert seen == {"entry": None, "role": "download", "needs_password": True}
        for body in ({}, {"password": None}, {"password": "wrong"}, {"password": "Open sesame"}):
            answer = nobody.post(f"/api/s/{token_in(link)}/grant", body)
            refused(answer, 403, "password_wrong")
        nobody.token = grant(nobody, link, password="open sesame")
        assert nobody.download(papers[1]) == b"text"

    def test_guessing_is_slowed_down(self, world, papers, nobody):
        link = make(world, papers[1], password="open sesame")
        path = f"/api/s/{token_in(link)}/grant"

        codes = [nobody.post(path, {"password": f"guess {n}"}).status_code for n in range(7)]

        assert codes == [403] * 5 + [429] * 2
        answer = nobody.post(path, {"password": "open sesame"})
        error = refused(answer, 429, "too_many_attempts")
        assert int(answer.headers["Retry-After"]) > 0
        assert "sesame" not in str(error)

    def test_a_new_one_ends_the_visits(self, world, papers, nobody):
        link = make(world, papers[1])
        nobody.token = grant(nobody, link)

        answered(world.alice.patch(f"/api/links/{link['id']}", {"password": "open sesame"}))

        refused(nobody.get(f"/api/files/{papers[1]}"), 401, "not_authenticated")


class TestRates:
    """Counted in the database, so that they hold for all servers, and without Redis."""

    def test_guessing_addresses_is_slowed_down(self, world, papers, nobody, monkeypatch):
        monkeypatch.setattr("files.actions.links.MAX_GUESSES", 3)
        link = make(world, papers[1])

        codes = [nobody.get(f"/api/s/{number:022}").status_code for number in range(5)]

        assert codes == [404] * 3 + [429] * 2
        answer = nobody.get(f"/api/s/{token_in(link)}")
        refused(answer, 429, "too_many_attempts")
        assert int(answer.headers["Retry-After"]) > 0
        grant = nobody.post(f"/api/s/{token_in(link)}/grant", {})
        refused(grant, 429, "too_many_attempts")

    def test_so_are_visits_without_end(self, world, papers, nobody, monkeypatch):
        monkeypatch.setattr("files.actions.links.MAX_VISITS", 3)
        path = f"/api/s/{token_in(make(world, papers[1]))}/grant"

        codes = [nobody.post(path, {}).status_code for _ in range(5)]

        assert codes == [201] * 3 + [429] * 2
        assert Visit.objects.count() == 3


class TestCounting:
    def downloads(self, world, link):
        return answered(world.alice.get(f"/api/links/{link['id']}"))["downloads"]

    def test_a_visit_counts_once_whatever_it_fetches(self, world, papers, nobody):
        link = make(world, papers[1], max_downloads=1)
        nobody.token = grant(nobody, link)
        assert self.downloads(world, link) == 0

        nobody.download(papers[1])
        nobody.download(papers[1])
        location = nobody.get(f"/api/files/{papers[1]}/content").headers["Location"]
        for part in ("bytes=0-1", "bytes=2-3"):
            assert world.plane.get(path_of(location), headers={"Range": part}).status_code == 206

        assert self.downloads(world, link) == 1
        refused(nobody.post(f"/api/s/{token_in(link)}/grant", {}), 410, "link_gone")
        refused(nobody.get(f"/api/s/{token_in(link)}"), 410, "link_gone")
        assert nobody.download(papers[1]) == b"text"

    def test_looking_and_head_count_nothing(self, world, papers, nobody):
        link = make(world, papers[1], max_downloads=1)
        nobody.token = grant(nobody, link)

        nobody.get(f"/api/s/{token_in(link)}")
        nobody.get(f"/api/files/{papers[1]}")
        nobody.call("HEAD", f"/api/files/{papers[1]}/content")
        nobody.call("HEAD", f"/api/download/{papers[1]}")

        assert self.downloads(world, link) == 0

    def test_what_head_leads_to_has_no_content(self, world, papers, nobody):
        link = make(world, papers[1], max_downloads=1)
        nobody.token = grant(nobody, link)

        answer = nobody.call("HEAD", f"/api/files/{papers[1]}/content")

        address = path_of(answer.headers["Location"])
        assert world.plane.head(address).headers["Content-Length"] == "4"
        refused(world.plane.get(address), 403, "token_invalid")
        refused(world.plane.get(address, headers={"Range": "bytes=0-1"}), 403, "token_invalid")
        assert nobody.download(papers[1]) == b"text"

    def test_of_twenty_starts_at_once_one_gets_the_only_download(self, world, papers):
        link = make(world, papers[1], max_downloads=1)
        visitors = [world.nobody() for _ in range(20)]
        for visitor in visitors:
            visitor.token = grant(visitor, link)
        together = threading.Barrier(20)

        def start(visitor):
            together.wait()
            try:
                return visitor.get(f"/api/download/{papers[1]}").status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(20) as pool:
            codes = list(pool.map(start, visitors))

        assert sorted(codes) == [200] + [410] * 19
        assert self.downloads(world, link) == 1

    def test_who_came_is_listed(self, world, papers, nobody):
        link = make(world, papers[1])
        grant(nobody, link)
        nobody.token = grant(nobody, link, name="Dora")
        nobody.download(papers[1])

        visits = answered(world.alice.get(f"/api/links/{link['id']}/visits"))["results"]

        assert [(v["name"], v["downloaded_at"] is None) for v in visits] == [
            ("Dora", False),
            ("", True),
        ]
        assert visits[0]["address"] == "127.0.0.1"


class TestEnding:
    @pytest.fixture
    def link(self, world, papers):
        return make(world, papers[0])

    @pytest.fixture
    def visitor(self, nobody, link):
        nobody.token = grant(nobody, link)
        return nobody

    def end(self, how, world, link, papers):
        if how == "revoked":
            assert world.alice.delete(f"/api/links/{link['id']}").status_code == 204
        elif how == "trashed":
            world.alice.delete(f"/api/files/{papers[0]}")
        elif how == "deactivated":
            deactivate_user(user=world.alice.user)
        elif how == "expired":
            body = {"expires_at": (current_time() + timedelta(milliseconds=300)).isoformat()}
            answered(world.alice.patch(f"/api/links/{link['id']}", body))
            threading.Event().wait(0.4)

    @pytest.mark.parametrize("how", ["revoked", "trashed", "deactivated", "expired"])
    def test_ends_everything_that_came_by_it(self, world, papers, link, visitor, how):
        [chunk] = answered(visitor.get(f"/api/download/{papers[1]}"))["chunks"]
        assert world.plane.get(path_of(chunk["url"])).content == b"text"

        self.end(how, world, link, papers)
        world.epochs.refresh()

        refused(visitor.get(f"/api/s/{token_in(link)}"), 410, "link_gone")
        refused(visitor.post(f"/api/s/{token_in(link)}/grant", {}), 410, "link_gone")
        refused(visitor.get(f"/api/files/{papers[1]}"), 401, "not_authenticated")
        refused(world.plane.get(path_of(chunk["url"])), 403, "token_revoked")

    def test_so_does_its_maker_who_may_not_share_any_more(self, world, papers, nobody):
        world.alice.share(papers[0], world.bob, "manager")
        link = answered(world.bob.post(f"/api/files/{papers[0]}/links", {"role": "download"}), 201)
        nobody.token = grant(nobody, link)
        [chunk] = answered(nobody.get(f"/api/download/{papers[1]}"))["chunks"]

        world.alice.share(papers[0], world.bob, "editor")
        world.epochs.refresh()

        refused(nobody.get(f"/api/s/{token_in(link)}"), 410, "link_gone")
        refused(world.plane.get(path_of(chunk["url"])), 403, "token_revoked")

    def test_addresses_end_when_he_may_not_share_what_it_leads_to(self, world, papers, nobody):
        end = current_time() + timedelta(seconds=60)
        world.alice.share(world.alice.root, world.bob, "viewer")
        world.alice.share(papers[0], world.bob, "manager", expires_at=end.isoformat())
        world.alice.share(papers[1], world.bob, "manager")
        link = answered(world.bob.post(f"/api/files/{papers[0]}/links", {"role": "download"}), 201)
        nobody.token = grant(nobody, link)

        manifest = answered(nobody.get(f"/api/download/{papers[1]}"))

        assert datetime.fromisoformat(manifest["expires_at"]) <= end

    def test_a_visit_ends_by_itself(self, world, papers, visitor):
        manifest = answered(visitor.get(f"/api/download/{papers[1]}"))
        assert datetime.fromisoformat(manifest["expires_at"])
        Visit.objects.update(expires_at=current_time())

        refused(visitor.get(f"/api/files/{papers[1]}"), 401, "not_authenticated")


class TestDropping:
    @pytest.fixture
    def drop(self, world, papers):
        return make(world, papers[0], "upload")

    @pytest.fixture
    def dropper(self, nobody, drop):
        nobody.token = grant(nobody, drop, name="Dora")
        return nobody

    def send(self, dropper, name, data, folder):
        registered = answered(dropper.register(name, data, parent=folder), 201)
        assert all(slot["state"] == "upload" for slot in registered["chunks"])
        dropper.send_all(registered, data)
        return answered(dropper.complete(registered["upload_id"]))

    def test_files_go_into_a_folder_of_their_own(self, world, papers, dropper):
        folder, _ = papers
        for data in (b"first", b"second"):
            done = self.send(dropper, "report.txt", data, folder)

        assert done["file"]["permissions"] == []
        assert "alice" not in str(done)
        [own] = [name for name in world.alice.names(folder) if name != "a.txt"]
        assert own.startswith("Dora 20")
        inside = answered(world.alice.get(f"/api/files/{folder}/children"))["results"][0]["id"]
        assert world.alice.names(inside) == ["report (1).txt", "report.txt"]

    def test_who_drops_sees_nothing(self, world, papers, dropper, drop):
        folder, file = papers
        done = self.send(dropper, "report.txt", b"mine", folder)

        seen = answered(dropper.get(f"/api/s/{token_in(drop)}"))
        assert seen["entry"]["name"] == "papers"
        for entry in (folder, file, done["file"]["id"]):
            refused(dropper.get(f"/api/files/{entry}"), 404, "not_found")
            refused(dropper.get(f"/api/files/{entry}/children"), 404, "not_found")
            refused(dropper.get(f"/api/download/{entry}"), 404, "not_found")

    def test_nor_what_is_there_by_its_hash(self, world, papers, dropper):
        registered = answered(dropper.register("x", b"text", parent=papers[0]), 201)

        assert [slot["state"] for slot in registered["chunks"]] == ["upload"]

    def test_visitors_do_not_meet(self, world, papers, drop, dropper):
        other = world.nobody()
        other.token = grant(other, drop, name="Dora")
        upload = answered(dropper.register("a", b"mine", parent=papers[0]), 201)["upload_id"]

        for person in (other, world.alice):
            refused(person.get(f"/api/upload/{upload}"), 404, "not_found")
            refused(person.complete(upload), 404, "not_found")
        again = answered(other.register("a", b"mine", parent=papers[0]), 201)["upload_id"]
        assert again != upload
        assert Upload.objects.count() >= 2

    def test_only_into_what_the_link_leads_to(self, world, papers, dropper):
        for parent in (world.alice.root, world.alice.folder("inner", papers[0])):
            refused(dropper.register("x", b"", parent=parent), 404, "not_found")

    def test_addresses_stop_with_the_link(self, world, papers, drop, dropper):
        registered = answered(dropper.register("x", b"late", parent=papers[0]), 201)
        world.alice.delete(f"/api/links/{drop['id']}")
        world.epochs.refresh()

        refused(dropper.send(registered["chunks"][0], b"late"), 403, "token_revoked")

    def test_what_became_of_it_elsewhere_is_not_told(self, world, papers, dropper):
        registered = answered(dropper.register("x", b"mine", parent=papers[0]), 201)
        dropper.send_all(registered, b"mine")
        file = answered(dropper.complete(registered["upload_id"]))["file"]["id"]
        answered(dropper.complete(registered["upload_id"]))

        case = {"parent": world.alice.folder("cases"), "name": "fraud.txt"}
        answered(world.alice.patch(f"/api/files/{file}", case))

        refused(dropper.complete(registered["upload_id"]), 410, "upload_gone")

    def test_names_that_no_folder_can_have(self, nobody, drop):
        for name in ("a/b", "\x00", "\u202e", ".", "x" * 101):
            answer = nobody.post(f"/api/s/{token_in(drop)}/grant", {"name": name})
            refused(answer, 422, "name_invalid")

    @pytest.mark.parametrize(("letter", "many"), [("鯨", 80), ("鯨", 100), ("😀", 100)])
    def test_a_long_name_still_makes_a_folder(self, world, papers, drop, letter, many):
        visitor = world.nobody()
        visitor.token = grant(visitor, drop, name=letter * many)

        self.send(visitor, "x", b"mine", papers[0])

        [own] = [name for name in world.alice.names(papers[0]) if name != "a.txt"]
        assert len(own.encode()) <= 255
        assert own.startswith(letter * 50)

    def test_many_chunks(self, world, papers, dropper):
        data = bytes(range(256)) * (5 * 2**12)
        registered = answered(
            dropper.post(
                "/api/upload/chunk/register",
                {
                    "parent": papers[0],
                    "name": "large",
                    "size": len(data),
                    "chunks": specs_of(data)[:1],
                },
            ),
            201,
        )
        upload = registered["upload_id"]
        rest = {"start": 1, "chunks": specs_of(data)[1:]}
        more = answered(dropper.post(f"/api/upload/{upload}/chunks", rest))
        for slot in registered["chunks"] + more["chunks"]:
            dropper.send(slot, chunks_of(data)[slot["index"]])

        assert answered(dropper.get(f"/api/upload/{upload}"))["chunks"][1]["state"] == "have"
        assert answered(dropper.complete(upload))["file"]["size"] == len(data)
