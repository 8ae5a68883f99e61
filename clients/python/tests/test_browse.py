"""`rapidserve ls`, `spaces`, `mkdir`, `mv` and `rm`, and the paths they take."""

import json

import pytest

from desk import Desk

pytestmark = pytest.mark.e2e


@pytest.fixture
def film(desk: Desk, place: str) -> str:
    """A folder with a file and a folder with another."""
    desk.write("film/a.bin", b"12345")
    desk.write("film/stills/b.bin", b"1")
    desk.ok("put", "film/", place)
    return place


def test_a_folder_is_listed_folders_first(desk: Desk, film: str) -> None:
    assert desk.listed(film) == ["stills/", "a.bin"]


def test_a_long_listing_has_size_and_time(desk: Desk, film: str) -> None:
    folder, file = desk.ok("ls", "-l", film).splitlines()

    assert folder.split()[0] == "-"
    assert (file.split()[0], file.split()[-1]) == ("5", "a.bin")


def test_a_file_is_listed_as_itself(desk: Desk, film: str) -> None:
    assert desk.listed(f"{film}/a.bin") == ["a.bin"]


def test_a_listing_for_programs(desk: Desk, film: str) -> None:
    folder, file = json.loads(desk.ok("ls", film, "--json"))

    assert (folder["type"], folder["name"], folder["size"]) == ("folder", "stills", None)
    assert (file["type"], file["name"], file["size"]) == ("file", "a.bin", 5)


@pytest.mark.parametrize("path", ["{}/stills", "/{}//stills/", "{}/STILLS", "./{}/./stills"])
def test_paths_are_found_however_they_are_written(desk: Desk, film: str, path: str) -> None:
    assert desk.listed(path.format(film)) == ["b.bin"]


def test_composed_and_decomposed_letters_are_the_same(desk: Desk, place: str) -> None:
    desk.ok("mkdir", f"{place}/u\u0308ber")

    assert desk.listed(f"{place}/\u00fcber") == []


@pytest.mark.parametrize(
    ("path", "code"), [("{}/gone", 4), ("{}/a.bin/x", 4), ("{}/a.bin/", 1), ("{}/..", 2)]
)
def test_paths_that_lead_nowhere_are_told(desk: Desk, film: str, path: str, code: int) -> None:
    done = desk.run("ls", path.format(film))

    assert done.code == code
    assert len(done.err.splitlines()) == 1


def test_more_entries_than_one_page(desk: Desk, place: str) -> None:
    for number in range(1003):
        desk.write(f"many/{number}", b"")
    desk.ok("put", "many", place)

    assert len(desk.listed(f"{place}/many")) == 1003


def test_the_spaces_are_listed_and_named(desk: Desk, film: str) -> None:
    (space,) = json.loads(desk.ok("spaces", "--json"))

    assert desk.listed(film) == ["stills/", "a.bin"]
    assert desk.ok("ls", film, "--space", space["id"]) == "stills/\na.bin\n"
    assert desk.ok("ls", film, "--space", space["name"].upper()) == "stills/\na.bin\n"
    done = desk.run("ls", "--space", "nowhere")
    assert done.code == 4
    assert space["name"] in done.err


def test_folders_are_made_with_all_above_them(desk: Desk, place: str) -> None:
    desk.ok("mkdir", f"{place}/a/b/c", f"{place}/a/d")
    desk.ok("mkdir", f"{place}/a/b/c")

    assert desk.listed(f"{place}/a") == ["b/", "d/"]


def test_a_file_is_renamed(desk: Desk, film: str) -> None:
    desk.ok("mv", f"{film}/a.bin", f"{film}/A.bin")
    assert desk.listed(film) == ["stills/", "A.bin"]

    desk.ok("mv", f"{film}/A.bin", f"{film}/c.bin")
    assert desk.listed(film) == ["stills/", "c.bin"]


def test_things_are_moved_into_a_folder(desk: Desk, film: str) -> None:
    desk.ok("mkdir", f"{film}/in")

    desk.ok("mv", f"{film}/a.bin", f"{film}/stills", f"{film}/in")

    assert desk.listed(film) == ["in/"]
    assert desk.listed(f"{film}/in") == ["stills/", "a.bin"]


def test_a_move_replaces_nothing(desk: Desk, film: str) -> None:
    done = desk.run("mv", f"{film}/stills/b.bin", f"{film}/a.bin")

    assert done.code == 1
    assert desk.listed(film) == ["stills/", "a.bin"]
    assert desk.listed(f"{film}/stills") == ["b.bin"]


@pytest.mark.parametrize("target", ["{}/gone/", "{}/gone/x"])
def test_a_move_into_a_folder_that_is_not_there_is_told(desk: Desk, film: str, target: str) -> None:
    assert desk.run("mv", f"{film}/a.bin", target.format(film)).code == 4


def test_a_folder_does_not_go_into_itself(desk: Desk, film: str) -> None:
    done = desk.run("mv", f"{film}/stills", f"{film}/stills/in")

    assert done.code == 1
    assert desk.listed(film) == ["stills/", "a.bin"]


def test_what_is_removed_goes_into_the_trash(desk: Desk, film: str) -> None:
    desk.ok("rm", f"{film}/a.bin")

    assert desk.listed(film) == ["stills/"]


def test_a_folder_is_removed_only_when_that_is_said(desk: Desk, film: str) -> None:
    assert desk.run("rm", f"{film}/stills").code == 2
    assert desk.listed(film) == ["stills/", "a.bin"]

    desk.ok("rm", "-r", f"{film}/stills")
    assert desk.listed(film) == ["a.bin"]


def test_removing_for_good(desk: Desk, film: str) -> None:
    desk.ok("rm", "-r", "--forever", film)

    assert desk.run("ls", film).code == 4


def test_what_is_not_there_can_not_be_removed_and_the_rest_is(desk: Desk, film: str) -> None:
    assert desk.run("rm", f"{film}/gone").code == 4
    assert desk.run("rm", f"{film}/gone", f"{film}/a.bin").code == 1

    assert desk.listed(film) == ["stills/"]


@pytest.mark.parametrize("path", ["/", "", "."])
def test_the_top_is_not_removed(desk: Desk, film: str, path: str) -> None:
    assert desk.run("rm", "-r", path).code == 2

    assert desk.listed(film) == ["stills/", "a.bin"]


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["put", "a"], ["get"], ["put", "a", "b", "--parallel", "0"]]
)
def test_what_can_not_be_meant_is_2(desk: Desk, arguments: list[str]) -> None:
    done = desk.run(*arguments)

    assert done.code == 2
    assert "usage: rapidserve" in done.err
