"""GET /api/search: files and folders by name, in all that one sees."""

from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from files.access import search
from files.models import Entry
from files.names import keys_of
from rapidserve.db import new_id
from tests.files.api.answers import answered, refused


def ask(person, q, **more):
    return person.get("/api/search?" + urlencode({"q": q, **more}))


def find(person, q, **more):
    """Names of everything found, over all pages."""
    names, cursor = [], {}
    while True:
        page = answered(ask(person, q, **more, **cursor))
        names += [entry["name"] for entry in page["results"]]
        if page["next"] is None:
            return names
        cursor = {"cursor": page["next"]}


@pytest.fixture
def alice(world):
    return world.alice


@pytest.fixture
def tree(alice):
    """Reports in a folder of their own, one at the top, and something else."""
    work = alice.folder("Work")
    for name in ("Annual Report 2026.pdf", "report.txt"):
        alice.upload(name, b"", parent=work)
    alice.upload("Reporting guide.md", b"")
    alice.upload("Picture.png", b"")
    return work


def many(person, count, parent, name="file {:06}"):
    """As many empty files, without going through the protocol for each."""
    now = timezone.now()
    Entry.objects.bulk_create(
        Entry(
            id=new_id(),
            space=person.space,
            parent_id=parent,
            type="file",
            size=0,
            **keys_of(name.format(number)),
            created_at=now,
            created_by=person.user,
            modified_at=now,
            modified_by=person.user,
        )
        for number in range(count)
    )


def test_what_begins_with_the_text_comes_first_then_what_holds_it(alice, tree):
    assert find(alice, "report") == ["report.txt", "Reporting guide.md", "Annual Report 2026.pdf"]


def test_every_word_must_be_in_the_name_in_any_order(alice, tree):
    assert find(alice, "2026 annual") == ["Annual Report 2026.pdf"]
    assert find(alice, "2025 annual") == []


@pytest.mark.parametrize("q", ["resume", "RÉSUMÉ", "re\u0301sume\u0301", "ｒｅｓｕｍｅ", "sum"])
def test_neither_case_nor_accents_nor_width_matter(alice, q):
    alice.upload("Résumé.pdf", b"")

    assert find(alice, q) == ["Résumé.pdf"]


def test_folders_are_found_and_the_top_folder_is_not(alice, tree):
    assert find(alice, "work") == ["Work"]
    assert find(alice, "My files") == []


@pytest.mark.parametrize(("q", "name"), [("100%", "100% sure"), ("a_b", "a_b"), ("'", "it's")])
def test_signs_that_mean_something_to_a_database_mean_themselves(alice, q, name):
    for other in ("100 sure", "aXb"):
        alice.upload(other, b"")
    alice.upload(name, b"")

    assert find(alice, q) == [name]


def test_an_entry_found_is_an_entry_like_any(alice, tree):
    file = alice.upload("unique", b"text", parent=tree)["file"]["id"]

    (found,) = answered(ask(alice, "unique"))["results"]

    assert found == answered(alice.get(f"/api/files/{file}"))


def test_a_renamed_file_is_found_by_its_new_name_only(alice):
    file = alice.upload("before", b"")["file"]["id"]

    answered(alice.patch(f"/api/files/{file}", {"name": "after"}))

    assert (find(alice, "before"), find(alice, "after")) == ([], ["after"])


def test_copies_and_what_was_restored_under_a_number_are_found(alice):
    file = alice.upload("paper", b"")["file"]["id"]
    answered(alice.post(f"/api/files/{file}/copy", {"parent": alice.root, "name": "paper 2"}), 201)
    alice.delete(f"/api/files/{file}")
    alice.upload("paper", b"")
    answered(alice.post(f"/api/trash/{file}/restore"))

    assert find(alice, "paper") == ["paper", "paper (1)", "paper 2"]


class TestTheTrash:
    def test_hides_what_is_in_it_and_what_is_below(self, alice, tree):
        deep = alice.folder("deep", tree)
        alice.upload("report deep down", b"", parent=deep)
        file = alice.upload("report of my own", b"")["file"]["id"]

        alice.delete(f"/api/files/{tree}")
        alice.delete(f"/api/files/{file}")

        assert find(alice, "report") == ["Reporting guide.md"]
        assert find(alice, "work") == []

    def test_gives_back_what_is_restored(self, alice, tree):
        alice.delete(f"/api/files/{tree}")
        alice.post(f"/api/trash/{tree}/restore")

        assert "report.txt" in find(alice, "report")

    def test_keeps_what_is_removed_for_good(self, alice, tree):
        alice.delete(f"/api/files/{tree}")
        alice.delete(f"/api/trash/{tree}")

        assert find(alice, "report") == ["Reporting guide.md"]

    def test_full_of_matches_makes_short_pages_but_no_end(self, alice, monkeypatch):
        monkeypatch.setattr(search, "STEP", 3)
        monkeypatch.setattr(search, "STEPS", 2)
        old = alice.folder("old")
        many(alice, 10, old)
        alice.upload("file that is there", b"")
        alice.delete(f"/api/files/{old}")

        first = answered(ask(alice, "file"))

        assert first["results"] == []
        assert first["next"]
        assert find(alice, "file") == ["file that is there"]


class TestPages:
    @pytest.mark.parametrize("limit", [1, 2, 7, 1000])
    def test_of_any_size_show_everything_once(self, alice, tree, limit):
        many(alice, 5, tree, "report {}")
        many(alice, 5, tree, "a report {}")

        names = find(alice, "report", limit=str(limit))

        assert names == find(alice, "report")
        assert len(names) == len(set(names)) == 13

    def test_of_a_thousand_go_through_more_matches_than_are_looked_at_together(self, alice):
        many(alice, 2 * search.STEP + 1, alice.root)

        assert len(find(alice, "file", limit="1000")) == 2 * search.STEP + 1

    @pytest.mark.usefixtures("tree")
    def test_belong_to_one_search(self, alice):
        cursor = answered(ask(alice, "report", limit="1"))["next"]

        refused(ask(alice, "picture", cursor=cursor), 400, "cursor_invalid")
        refused(ask(alice, "report", cursor="forged"), 400, "cursor_invalid")

    def test_take_no_more_queries_when_they_are_longer(self, alice, tree):
        def queries(limit):
            with CaptureQueriesContext(connection) as seen:
                answered(ask(alice, "file", limit=limit))
            return len(seen)

        many(alice, 100, tree)

        assert queries("100") == queries("10")


class TestSpaces:
    def test_all_that_one_sees_are_searched_and_one_may_be_chosen(self, alice):
        team = answered(alice.post("/api/spaces", {"name": "Team", "kind": "team"}), 201)
        alice.upload("plan of mine", b"")
        alice.upload("plan of ours", b"", parent=team["root"])

        assert find(alice, "plan") == ["plan of mine", "plan of ours"]
        assert find(alice, "plan", space=team["id"]) == ["plan of ours"]
        assert find(alice, "plan", space=str(alice.space.id)) == ["plan of mine"]

    @pytest.mark.usefixtures("tree")
    def test_of_others_are_never_searched(self, world):
        assert find(world.bob, "report") == []
        refused(ask(world.bob, "report", space=str(world.alice.space.id)), 404, "not_found")


@pytest.mark.parametrize(
    "q", ["", " ", "\t", "\u0301", "x" * 256, "a\x00b", "\x00", "a\nb"], ids=ascii
)
def test_what_can_not_be_searched_for_is_said(alice, q):
    assert refused(ask(alice, q), 422, "q_invalid")["field"] == "q"


def test_no_text_at_all_is_refused_alike(alice):
    refused(alice.get("/api/search"), 422, "q_invalid")


@pytest.mark.parametrize(
    "q", ["x" * 255, "z y " * 60, "';--", "%%%", "\ud7ff", "😀", "أحمد", "がが"]
)
def test_odd_texts_find_nothing_and_break_nothing(alice, tree, q):
    assert find(alice, q) == []
