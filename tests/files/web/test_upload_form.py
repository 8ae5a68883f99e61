"""Uploading without JavaScript: the form of a folder's page, answered by the delivery plane."""

import os
import re
from html import unescape
from urllib.parse import urlsplit

import pytest

from files.access import issue
from files.access.epochs import bump
from files.chunkstore import registry
from files.chunkstore.chunk import CHUNK_SIZE
from files.models import Entry, Space, Upload
from tests.files.web.conftest import Browser, text_of
from tests.world import World, sha256

BOUNDARY = "----WebKitFormBoundaryx8jO2oVc6SWP3Sad"


@pytest.fixture
def world(shared_world) -> World:
    return shared_world


def form_address(browser: Browser, path: str = "/") -> str:
    """Where the form of a folder's page goes."""
    (address,) = re.findall(r'action="(/d/form/[^"]+)"', browser.get(path).content.decode())
    return unescape(address)


def form_body(
    data: bytes, name: str = "notes.txt", before: bytes = b"", after: bytes = b""
) -> bytes:
    """As a browser writes it."""
    head = (
        f"--{BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/plain\r\n\r\n"
    )
    return before + head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode() + after


def send(world: World, address: str, body: bytes, boundary: str = BOUNDARY):
    content_type = f"multipart/form-data; boundary={boundary}"
    return world.plane.post(
        address, content=body, headers={"Content-Type": content_type}, follow_redirects=False
    )


def page_after(browser: Browser, answer) -> str:
    assert answer.status_code == 303
    return text_of(browser.get(answer.headers["location"]))


def bytes_held(person) -> tuple[int, int]:
    """(used, reserved) of a person's space."""
    space = Space.objects.get(owner=person.user)
    return space.used_bytes, space.reserved_bytes


def objects_stored() -> int:
    return sum(1 for node in registry.nodes().values() for _ in node.backend.list())


@pytest.mark.parametrize("size", [0, 1, 7, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1])
def test_a_file_arrives_bit_for_bit(world, alice, size):
    data = os.urandom(size)

    answer = send(world, form_address(alice), form_body(data))

    assert "“notes.txt” was uploaded." in page_after(alice, answer)
    entry = Entry.objects.get(name="notes.txt")
    assert (entry.size, entry.content_type) == (size, "text/plain")
    assert world.alice.download(str(entry.id)) == data
    assert bytes_held(world.alice) == (size, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"--",
        f"--{BOUNDARY}--\r\n".encode(),
        b"\r\n\r\n",
        f"\r\n--{BOUNDARY[:-1]}".encode(),
    ],
)
def test_bytes_that_look_like_a_form_stay_what_they_are(world, alice, data):
    answer = send(world, form_address(alice), form_body(data))

    assert "was uploaded" in page_after(alice, answer)
    assert world.alice.download(str(Entry.objects.get(name="notes.txt").id)) == data


def test_the_same_name_again_is_a_new_version(world, alice):
    done = world.alice.upload("notes.txt", b"old")

    send(world, form_address(alice), form_body(b"new"))

    versions = world.alice.get(f"/api/files/{done['file']['id']}/versions").json()["results"]
    assert [version["number"] for version in versions] == [2, 1]
    assert world.alice.download(done["file"]["id"]) == b"new"


def test_what_is_here_already_is_not_stored_twice(world, alice):
    data = os.urandom(100)
    world.alice.upload("notes.txt", data)

    send(world, form_address(alice), form_body(data, name="copy.txt"))

    assert objects_stored() == 1
    assert world.alice.names() == ["copy.txt", "notes.txt"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("Zoë’s 東京.txt", "Zoë’s 東京.txt"), ("so %22called%22.txt", 'so "called".txt')],
)
def test_names_are_those_of_the_persons_disk(world, alice, sent, kept):
    send(world, form_address(alice), form_body(b"x", name=sent))

    assert world.alice.names() == [kept]


def test_the_form_puts_the_file_into_its_own_folder(world, alice):
    folder = world.alice.folder("Docs")

    answer = send(world, form_address(alice, f"/files/{folder}"), form_body(b"x"))

    assert answer.headers["location"].startswith(f"/files/{folder}?uploaded=")
    assert world.alice.names(folder) == ["notes.txt"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (form_body(b"", name=""), "Choose a file first."),
        (form_body(b"x", name="a%0Ab"), "control character"),
        (form_body(b"x", name="a/b"), "which separates folders"),
        (form_body(b"x", before=form_body(b"y")[:-4] + b"\r\n"), "It takes one file."),
        (form_body(b"x", after=b"and more"), "It takes one file."),
        (form_body(b"x")[:-2], "It takes one file."),
        (form_body(b"x").replace(b"\r\n\r\n", b"\n\n"), "It takes one file."),
        (form_body(b"x").replace(b"filename=", b"filename*=no-such''%41"), "Choose a file first."),
        (b"", "It takes one file."),
        (b"x" * 40_000, "It takes one file."),
        (b"--\r\n\r\nx\r\n----\r\n", "It takes one file."),
    ],
)
def test_a_form_that_is_not_ours_is_refused_in_words(world, alice, body, why):
    answer = send(world, form_address(alice), body)

    assert why in page_after(alice, answer)
    assert world.alice.names() == []
    assert bytes_held(world.alice) == (0, 0)


@pytest.mark.parametrize("where", [10, CHUNK_SIZE - 20, CHUNK_SIZE + 10])
def test_a_second_part_never_passes_for_bytes_of_the_file(world, alice, where):
    data = bytearray(os.urandom(CHUNK_SIZE + 100))
    data[where:where] = f"\r\n--{BOUNDARY}\r\n".encode()

    answer = send(world, form_address(alice), form_body(bytes(data)))

    assert "It takes one file." in page_after(alice, answer)
    assert world.alice.names() == []
    assert bytes_held(world.alice) == (0, 0)
    assert not Upload.objects.filter(state=Upload.State.OPEN).exists()


def test_a_boundary_in_an_encoding_that_there_is_not_is_refused(world, alice):
    answer = world.plane.post(
        form_address(alice),
        content=b"x",
        headers={"Content-Type": "multipart/form-data; boundary*=no-such''%41"},
        follow_redirects=False,
    )

    assert "It takes one file." in page_after(alice, answer)


def test_another_kind_of_body_is_refused(world, alice):
    answer = world.plane.post(form_address(alice), json={"file": "x"}, follow_redirects=False)

    assert "It takes one file." in page_after(alice, answer)


def test_a_file_for_which_there_is_no_room_leaves_nothing_behind(world, alice):
    Space.objects.filter(owner=world.alice.user).update(quota_bytes=10)

    answer = send(world, form_address(alice), form_body(b"x" * 11))

    assert "There is not enough room" in page_after(alice, answer)
    assert bytes_held(world.alice) == (0, 0)
    assert objects_stored() == 0


def test_an_upload_of_another_tab_survives_a_form_that_fails(world, alice):
    data = os.urandom(CHUNK_SIZE)
    second_part = f"\r\n--{BOUNDARY}\r\n".encode()
    first = [{"sha256": sha256(data), "size": CHUNK_SIZE}]
    tab = world.alice.register("notes.txt", data + second_part, chunks=first).json()

    send(world, form_address(alice), form_body(data + second_part))

    assert world.alice.get(f"/api/upload/{tab['upload_id']}").status_code == 200


def test_a_trashed_folder_is_told_at_the_top(world, alice):
    folder = world.alice.folder("Docs")
    address = form_address(alice, f"/files/{folder}")
    world.alice.delete(f"/api/files/{folder}")

    answer = send(world, address, form_body(b"x"))

    assert "The folder was trashed meanwhile." in page_after(alice, answer)
    assert world.alice.names() == []


def test_a_form_stops_working_when_the_person_is_locked_out(world, alice):
    address = form_address(alice)
    world.alice.user.is_active = False
    world.alice.user.save()
    bump(world.alice.user.id)
    world.epochs.refresh()

    answer = send(world, address, form_body(b"x"))

    assert answer.headers["location"].startswith("/?problem=")
    assert not Entry.objects.filter(name="notes.txt").exists()


def test_a_form_that_was_open_too_long_says_so(world, alice, monkeypatch):
    monkeypatch.setattr(issue, "FORM_SECONDS", -1)

    answer = send(world, form_address(alice), form_body(b"x"))

    assert "This page was open for too long. Choose the file again." in page_after(alice, answer)
    assert world.alice.names() == []


def test_an_altered_address_stores_nothing(world, alice):
    address = form_address(alice)
    payload, _, mac = address.rpartition(".")

    for altered in (f"{payload}.{mac[::-1]}", f"{payload[:-1]}.{mac}", "/d/form/x"):
        answer = send(world, altered, form_body(b"x"))

        assert urlsplit(answer.headers["location"]).path == "/"
    assert world.alice.names() == []
    assert objects_stored() == 0


def test_tickets_for_other_things_are_no_forms(world, alice):
    slot = world.alice.register("a.txt", b"hello").json()["chunks"][0]
    put = urlsplit(slot["url"]).path.removeprefix("/d/upload/")
    form = form_address(alice).removeprefix("/d/form/")

    send(world, f"/d/form/{put}", form_body(b"hello"))
    crossed = world.plane.put(f"/d/upload/{form}", content=b"hello")

    assert crossed.status_code == 403
    assert world.alice.names() == []
    assert objects_stored() == 0


def test_a_folder_of_somebody_else_shows_no_form(world, bob):
    page = bob.get(f"/files/{world.alice.root}")

    assert page.status_code == 404
    assert "/d/form/" not in page.content.decode()


def test_the_address_takes_nothing_but_a_form(world, alice):
    assert world.plane.get(form_address(alice)).status_code == 405
