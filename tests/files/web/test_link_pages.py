"""Public links for people: without an account, without JavaScript, and looking leaves no trace."""

import re

import pytest
from django.test import Client

from files.models import Entry, Link, Visit
from tests.files.web.conftest import Browser, links_on, names_on, text_of
from tests.world import path_of


@pytest.fixture
def world(shared_world):
    return shared_world


@pytest.fixture
def papers(world):
    """(folder, file in it) of alice's."""
    folder = world.alice.folder("papers")
    return folder, world.alice.upload("a.txt", b"text", parent=folder)["file"]["id"]


@pytest.fixture
def visitor():
    return Client()


def link_to(world, entry, role="download", **limits):
    made = world.alice.post(f"/api/files/{entry}/links", {"role": role} | limits)
    return path_of(made.json()["url"])


def upload(world, visitor, page, name, data):
    """What a browser does with the form."""
    action = re.search(r'action="(/d/form/[^"]+)"', page.content.decode())[1]
    boundary = "----form"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    ).encode()
    answer = world.plane.post(
        action,
        content=body + data + f"\r\n--{boundary}--\r\n".encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        follow_redirects=False,
    )
    return visitor.get(answer.headers["Location"])


class TestLooking:
    def test_a_file_is_shown_with_a_button(self, world, papers, visitor):
        page = visitor.get(link_to(world, papers[1]))

        assert "a.txt" in text_of(page)
        assert "Download" in text_of(page)
        assert page["X-Robots-Tag"] == "noindex, nofollow"
        assert "no-store" in page["Cache-Control"]
        assert not Visit.objects.exists()
        assert not page.cookies.get("visit")

    def test_a_folder_with_its_folders(self, world, papers, visitor):
        folder, file = papers
        inner = world.alice.folder("inner", folder)
        address = link_to(world, folder)

        page = visitor.get(address)

        assert names_on(page) == ["inner", "a.txt"]
        assert links_on(page)
        deeper = visitor.get(f"{address}/{inner}")
        assert "This folder is empty." in text_of(deeper)
        assert f"{address}/{folder}" in links_on(deeper)
        assert "a.txt" in text_of(visitor.get(f"{address}/{file}"))

    def test_nothing_of_the_installation_stands_around_it(self, world, papers, visitor):
        page = visitor.get(link_to(world, papers[0])).content.decode()

        for told in ("alice", world.alice.root, "My files", "Trash", "Search"):
            assert told not in page

    def test_what_lies_elsewhere_is_not_there(self, world, papers, visitor):
        address = link_to(world, papers[0])

        for other in (world.alice.root, world.alice.folder("other"), "x"):
            assert visitor.get(f"{address}/{other}").status_code == 404

    @pytest.mark.parametrize("path", ["/s/" + "A" * 22, "/s/x", "/s/%00", "/s/" + "a" * 5000])
    def test_what_is_no_link(self, visitor, db, path):
        assert visitor.get(path).status_code == 404
        assert visitor.post(path).status_code == 404

    def test_one_that_is_gone_says_so(self, world, papers, visitor):
        address = link_to(world, papers[0])
        world.alice.delete(f"/api/links/{Link.objects.get().id}")

        page = visitor.get(address)

        assert page.status_code == 410
        assert "This link does not work any more." in text_of(page)

    def test_a_page_for_looking_has_no_button(self, world, papers, visitor):
        address = link_to(world, papers[1], "view")

        assert "Download" not in text_of(visitor.get(address))
        assert visitor.post(address, {"download": papers[1]}).status_code == 403


class TestDownloading:
    def test_the_button_leads_to_the_bytes(self, world, papers, visitor):
        address = link_to(world, papers[1], max_downloads=1)

        for _ in range(2):  # once more is the same visit
            answer = visitor.post(address, {"download": papers[1]})
            assert answer.status_code == 303
            assert world.plane.get(answer["Location"]).content == b"text"

        assert Link.objects.get().downloads == 1
        assert Client().get(address).status_code == 410
        assert visitor.get(address).status_code == 200

    def test_the_visit_is_a_cookie_that_no_script_reads(self, world, papers, visitor):
        address = link_to(world, papers[1])

        cookie = visitor.post(address, {"download": papers[1]}).cookies["visit"]

        assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (address, True, "Lax")

    @pytest.mark.parametrize("what", ["folder", "unknown"])
    def test_none_begins_with_what_is_no_file(self, world, papers, visitor, what):
        page = link_to(world, papers[0])
        entry = papers[0] if what == "folder" else "0192f0c1-0000-7000-8000-000000000000"

        assert visitor.post(page, {"download": entry}).status_code in {404, 409}

        assert not Visit.objects.exists()

    def test_a_cookie_of_another_link_opens_nothing(self, world, papers, visitor):
        secret = link_to(world, papers[1], password="open sesame")
        visitor.post(link_to(world, papers[0]), {"download": papers[1]})
        other = Client()
        other.cookies["visit"] = visitor.cookies["visit"].value

        assert "protected by a password" in text_of(other.get(secret))

    def test_forms_of_other_sites_do_nothing(self, world, papers):
        strict = Client(enforce_csrf_checks=True)

        answer = strict.post(link_to(world, papers[1]), {"download": papers[1]})

        assert answer.status_code == 403
        assert not Visit.objects.exists()


class TestPasswords:
    def test_names_nothing_before_it(self, world, papers, visitor):
        address = link_to(world, papers[1], password="open sesame")
        text = text_of(visitor.get(address))

        assert "protected by a password" in text
        assert "a.txt" not in text
        assert visitor.get(f"{address}/{papers[1]}").content.count(b"a.txt") == 0
        assert visitor.post(address, {"download": papers[1]}).status_code == 403
        wrong = visitor.post(address, {"password": "wrong"})
        assert wrong.status_code == 403
        assert "The password is not right." in text_of(wrong)
        right = visitor.post(address, {"password": "open sesame"}, follow=True)
        assert "a.txt" in text_of(right)

    def test_guessing_is_slowed_down(self, world, papers, visitor):
        address = link_to(world, papers[1], password="open sesame")

        answers = [visitor.post(address, {"password": f"{n}"}) for n in range(6)]

        assert [answer.status_code for answer in answers] == [403] * 5 + [429]
        assert int(answers[-1]["Retry-After"]) > 0


class TestDropping:
    def test_by_a_form(self, world, papers, visitor):
        address = link_to(world, papers[0], "upload")
        page = visitor.post(address, {"name": "Dora"}, follow=True)

        page = upload(world, visitor, page, "report.txt", b"mine")
        again = upload(world, visitor, page, "report.txt", b"mine, again")

        assert "“report.txt” has arrived." in text_of(again)
        assert again.content.decode().count('<bdi title="report.txt">') == 2
        assert "a.txt" not in text_of(again)
        names = world.alice.names(papers[0])
        assert len(names) == 2
        assert names[0].startswith("Dora ")
        own = str(Entry.objects.get(name=names[0]).id)
        assert world.alice.names(own) == ["report (1).txt", "report.txt"]

    def test_says_what_arrived_to_who_sent_it_alone(self, world, papers, visitor):
        address, other = link_to(world, papers[0], "upload"), Client()
        upload(world, visitor, visitor.post(address, {}, follow=True), "mine.txt", b"mine")
        other.post(address, {})
        sent = Entry.objects.get(name="mine.txt").id

        for named in (sent, papers[1], "nonsense"):
            assert "arrived" not in text_of(other.get(address, {"uploaded": str(named)}))

    def test_what_is_refused_is_said_there(self, world, papers, visitor):
        page = visitor.post(link_to(world, papers[0], "upload"), {"name": ""}, follow=True)

        page = upload(world, visitor, page, "", b"")

        assert "Choose a file first." in text_of(page)

    def test_ends_with_the_link(self, world, papers, visitor):
        page = visitor.post(link_to(world, papers[0], "upload"), {}, follow=True)
        world.alice.delete(f"/api/links/{Link.objects.get().id}")
        world.epochs.refresh()

        upload(world, visitor, page, "late.txt", b"late")

        assert world.alice.names(papers[0]) == ["a.txt"]


class TestMakingThem:
    def test_by_the_share_page(self, world, papers):
        alice = Browser(world.alice)
        fields = {"password": "open sesame", "downloads": "3", "until": "2031-03-31"}

        page = alice.post(f"/files/{papers[0]}/share", link="download", **fields)

        link = Link.objects.get()
        assert (link.role, link.max_downloads) == ("download", 3)
        assert str(link.expires_at) == "2031-03-31 23:59:59+00:00"
        assert "with a password" in text_of(page)
        address = re.search(r'value="(http://testserver/s/[^"]+)"', page.content.decode())[1]
        assert "protected by a password" in text_of(Client().get(path_of(address)))
        page = alice.post(f"/files/{papers[0]}/share", revoke=str(link.id))
        assert address not in page.content.decode()

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"link": "owner"}, "Choose what the link is for."),
            ({"link": "download", "password": "abc"}, "password has 4 to 1024"),
            ({"link": "download", "password": "abcd\0"}, "NUL"),
            ({"link": "download", "downloads": "many"}, "as a number"),
            ({"link": "download", "downloads": "0"}, "as a number"),
            ({"link": "download", "until": "2020-01-01"}, "This date has passed."),
        ],
    )
    def test_what_is_no_link_is_said(self, world, papers, fields, says):
        page = Browser(world.alice).post(f"/files/{papers[0]}/share", **fields)

        assert page.status_code == 422
        assert says in text_of(page)
        assert not Link.objects.exists()
