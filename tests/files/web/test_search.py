"""The page of what a search finds, and the look that a browser remembers."""

import pytest

from tests.files.web.conftest import links_on, names_on, text_of


def test_what_is_found_stands_with_the_folder_it_lies_in(world, alice):
    docs = world.alice.folder("Docs")
    world.alice.folder("Harbour film", docs)
    world.alice.folder("Elsewhere")

    page = alice.get("/search?q=harbour")

    assert names_on(page) == ["Harbour film"]
    assert "Harbour film 0 items" in text_of(page)
    assert "in Docs" in text_of(page)
    assert f"/files/{docs}" in links_on(page)


def test_what_was_searched_for_stands_in_the_field(alice):
    page = alice.get('/search?q="><b>')

    assert 'value="&quot;&gt;&lt;b&gt;"' in page.content.decode()


def test_nothing_found_says_so(world, alice):
    world.alice.folder("Docs")

    assert "Nothing is called that." in text_of(alice.get("/search?q=harbour"))


def test_what_lies_in_the_trash_or_is_somebody_elses_is_not_found(world, alice, bob):
    old = world.alice.folder("Harbour old")
    world.alice.folder("Harbour new")
    world.alice.delete(f"/api/files/{old}")

    assert names_on(alice.get("/search?q=harbour")) == ["Harbour new"]
    assert names_on(bob.get("/search?q=harbour")) == []


def test_further_results_are_on_further_pages(world, alice):
    for number in range(5):
        world.alice.folder(f"Harbour {number}")

    first = alice.get("/search?q=harbour&limit=3")
    (more,) = [link for link in links_on(first) if "cursor=" in link]
    second = alice.get(f"/search{more}")

    assert names_on(first) + names_on(second) == [f"Harbour {number}" for number in range(5)]
    assert "Back to the beginning" in text_of(second)


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20", "?q=a%0Ab", f"?q={'x' * 256}"])
def test_what_can_not_be_searched_for_is_refused_in_words(alice, query):
    page = alice.get(f"/search{query}")

    assert page.status_code == 422
    assert "search" in text_of(page).lower()


def test_a_made_up_place_is_refused(alice):
    assert alice.get("/search?q=a&cursor=nonsense").status_code == 400


def test_list_or_grid_is_remembered_by_the_browser(world, alice):
    world.alice.folder("Docs")
    home = f"/files/{world.alice.root}"
    assert 'class="files"' in alice.get(home).content.decode()

    page = alice.get(f"{home}?sort=size&view=grid")

    assert page.redirect_chain == [(f"{home}?sort=size", 302)]
    assert 'class="files cards"' in page.content.decode()
    assert 'class="files cards"' in alice.get(home).content.decode()


def test_a_view_that_is_none_changes_nothing(world, alice):
    page = alice.get(f"/files/{world.alice.root}?view=cloud")

    assert (page.status_code, page.redirect_chain) == (200, [])


def test_folders_say_how_many_items_they_have_and_files_which_version(world, alice):
    docs = world.alice.folder("Docs")
    for name in ("one", "two"):
        world.alice.folder(name, docs)
    world.alice.delete(f"/api/files/{world.alice.folder('gone', docs)}")
    for content in (b"first", b"second"):
        world.alice.upload("notes.md", content)

    text = text_of(alice.get("/"))

    assert "Docs 2 items" in text
    assert "v2" in text
    assert "2 of 2 items" in text


def test_a_longer_list_asks_the_database_no_more_often(
    world, alice, django_assert_num_queries, django_assert_max_num_queries
):
    def look(most: int) -> int:
        with django_assert_max_num_queries(most) as asked:
            alice.get(f"/files/{world.alice.root}")
        return len(asked)

    for number in range(2):
        world.alice.folder(f"few {number}", world.alice.folder(f"Few {number}"))
    world.alice.upload("few.txt", b"x")
    few = look(50)
    for number in range(10):
        world.alice.folder(f"many {number}", world.alice.folder(f"Many {number}"))
        world.alice.upload(f"many {number}.txt", b"x")

    assert look(50) == few
