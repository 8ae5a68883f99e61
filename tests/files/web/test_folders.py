"""Looking at folders."""

import re

import pytest
from django.urls import reverse

from files.names import name_key
from tests.files.web.conftest import Browser, links_on, names_on, text_of
from tests.world import Person


def folder_page(folder: str, query: str = "") -> str:
    return reverse("folder", args=[folder]) + query


def test_the_front_door_leads_to_ones_own_files(world, alice):
    page = alice.get("/")

    assert page.redirect_chain == [(folder_page(world.alice.root), 302)]
    assert "My files" in text_of(page)


def test_nobody_gets_further_than_the_sign_in(client, world):
    for path in ("/", folder_page(world.alice.root), "/trash"):
        response = client.get(path)

        assert (response.status_code, response["Location"]) == (302, f"/login?next={path}")


def test_an_empty_folder_says_what_to_do(world, alice):
    text = text_of(alice.get("/"))

    assert "This folder is empty." in text
    assert "Drop files anywhere on this page" in text


def test_folders_come_first_with_sizes_and_dates_in_words(world, alice):
    world.alice.upload("a.txt", b"x" * 4200)
    world.alice.folder("Zoo")

    page = alice.get("/")

    assert names_on(page) == ["Zoo", "a.txt"]
    assert "4.1\xa0KB" in page.content.decode()
    times = re.findall(r'<time datetime="([^"]+)" title="[^"]+ UTC">', page.content.decode())
    assert len(times) == 4  # twice a row: in its column, and below the name on phones


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a", "b.txt", "c.txt"]),
        ("?sort=name&order=desc", ["a", "c.txt", "b.txt"]),
        ("?sort=size&order=asc", ["a", "c.txt", "b.txt"]),
        ("?sort=size&order=desc", ["a", "b.txt", "c.txt"]),
        ("?sort=modified&order=asc", ["a", "b.txt", "c.txt"]),
        ("?sort=modified&order=desc", ["a", "c.txt", "b.txt"]),
    ],
)
def test_the_list_is_sorted_as_the_heading_says(world, alice, query, expected):
    world.alice.upload("b.txt", b"longer", modified_at="2020-01-01T00:00:00Z")
    world.alice.upload("c.txt", b"short", modified_at="2021-01-01T00:00:00Z")
    world.alice.folder("a")

    page = alice.get(folder_page(world.alice.root, query))

    assert names_on(page) == expected


def test_the_heading_that_is_sorted_by_says_so_and_turns_around(world, alice):
    world.alice.folder("a")

    html = alice.get(folder_page(world.alice.root, "?sort=size&order=asc")).content.decode()

    assert re.search(
        r'class="size" aria-sort="ascending">\s*<a href="\?sort=size&amp;order=desc"', html
    )
    name = html.partition('class="name" aria-sort="none">')[2].partition("</th>")[0]
    assert '<a href="?sort=name&amp;order=asc"' in name


def test_a_file_is_fetched_by_a_link_that_the_session_opens(shared_world):
    alice = Browser(shared_world.alice)
    done = shared_world.alice.upload("a.txt", b"hello")

    (link, *_) = [link for link in links_on(alice.get("/")) if link.startswith("/api/")]
    answer = alice.client.get(link)

    assert link == f"/api/files/{done['file']['id']}/content?download=1"
    assert answer.status_code == 302
    assert shared_world.plane.get(answer["Location"]).content == b"hello"


def test_the_breadcrumb_leads_up_to_the_top(world, alice):
    outer = world.alice.folder("Outer")
    inner = world.alice.folder("Inner", outer)

    page = alice.get(folder_page(inner))

    crumbs = page.content.decode().partition('class="crumbs"')[2].partition("</nav>")[0]
    assert re.findall(r'<a href="([^"]+)"', crumbs) == [
        folder_page(world.alice.root),
        folder_page(outer),
    ]
    assert '<h1 aria-current="page" title="Inner" dir="auto">Inner</h1>' in crumbs


def test_a_hundred_entries_are_a_page_and_every_entry_is_on_exactly_one(world, alice):
    names = _many_files(world.alice, 250)

    seen, path = [], folder_page(world.alice.root)
    pages = 0
    while path:
        page = alice.get(path)
        seen += names_on(page)
        pages += 1
        more = [link for link in links_on(page) if "cursor=" in link]
        path = folder_page(world.alice.root, more[0]) if more else None

    assert (pages, seen) == (3, names)


def test_further_pages_keep_the_order_and_lead_back(world, alice):
    names = _many_files(world.alice, 120)

    first = alice.get(folder_page(world.alice.root, "?sort=name&order=desc"))
    (more,) = [link for link in links_on(first) if "cursor=" in link]
    second = alice.get(folder_page(world.alice.root, more))

    assert names_on(first) + names_on(second) == names[::-1]
    assert "Back to the beginning" in text_of(second)
    assert "Back to the beginning" not in text_of(first)


def test_names_are_shown_as_text(world, alice):
    world.alice.folder("<script>alert(1)<b>")

    page = alice.get("/")

    assert names_on(page) == ["<script>alert(1)<b>"]
    assert "<script>alert" not in page.content.decode()


def test_the_address_of_a_file_shows_its_folder(world, alice):
    done = world.alice.upload("a.txt", b"hello")

    page = alice.get(folder_page(done["file"]["id"]))

    assert page.redirect_chain == [(folder_page(world.alice.root), 302)]


@pytest.mark.parametrize("address", ["unknown", "00000000-0000-0000-0000-000000000000", "a%00b"])
def test_what_is_not_there_is_a_friendly_page(alice, address):
    page = alice.get(f"/files/{address}")

    assert page.status_code == 404
    assert "There is nothing here" in text_of(page)


def test_other_peoples_folders_look_like_nothing(world, bob):
    theirs = bob.get(folder_page(world.alice.root))
    nothing = bob.get("/files/00000000-0000-0000-0000-000000000000")

    assert theirs.status_code == nothing.status_code == 404
    assert _without_request_id(theirs) == _without_request_id(nothing)


def test_a_trashed_folder_is_gone_with_all_below_it(world, alice):
    outer = world.alice.folder("Outer")
    inner = world.alice.folder("Inner", outer)
    world.alice.delete(f"/api/files/{outer}")

    assert alice.get(folder_page(outer)).status_code == 404
    assert alice.get(folder_page(inner)).status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?sort=colour", 422),
        ("?order=up", 422),
        ("?limit=ten", 422),
        ("?cursor=nonsense", 400),
        ("?trashed=nonsense", 200),
        ("?uploaded=nonsense", 200),
        ("?problem=nonsense", 200),
    ],
)
def test_a_made_up_address_is_refused_or_ignored_in_words(world, alice, query, status):
    page = alice.get(folder_page(world.alice.root, query))

    assert page.status_code == status
    assert "nonsense" not in text_of(page)


def test_pages_are_not_kept_by_anybody(world, alice):
    assert "no-store" in alice.get("/")["Cache-Control"]


def test_pages_need_no_script_or_style_of_their_own(world, alice):
    world.alice.folder("a")

    html = alice.get("/").content.decode()

    assert re.findall(r"<script(?![^>]*src=)", html) == []
    assert "style=" not in html
    assert "onclick" not in html


def _many_files(person: Person, count: int) -> list[str]:
    """Names in order. By hand: uploading hundreds would take a minute."""
    from files.models import Entry  # noqa: PLC0415 - only this arranging needs rows

    root = Entry.objects.get(id=person.root)
    names = [f"{number:05}.txt" for number in range(count)]
    Entry.objects.bulk_create(
        Entry(
            space=root.space,
            parent=root,
            type=Entry.Type.FILE,
            name=name,
            name_key=name_key(name),
            size=1,
            created_at=root.created_at,
            created_by=person.user,
            modified_at=root.created_at,
            modified_by=person.user,
        )
        for name in names
    )
    return names


def _without_request_id(response) -> bytes:
    return re.sub(rb"<code>.*?</code>", b"", response.content)
