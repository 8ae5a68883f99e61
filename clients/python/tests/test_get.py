"""`rapidserve get`: what comes down, what need not, and what is never written over."""

import os
from pathlib import Path

import pytest

from desk import CHUNK, Desk, noise
from proxy import GET_CHUNK, Proxy

pytestmark = pytest.mark.e2e


def leftovers(path: Path) -> list[str]:
    return [found.name for found in path.rglob("*.rapidserve-part")]


@pytest.mark.parametrize("size", [0, 1, CHUNK, 9 * CHUNK + 5])
def test_a_file_comes_back_with_its_bytes_and_its_time(desk: Desk, place: str, size: int) -> None:
    file = desk.write("a.bin", noise(size))
    os.utime(file, (1_600_000_000, 1_600_000_000))
    desk.ok("put", "a.bin", f"{place}/")

    desk.ok("get", f"{place}/a.bin", "out/")

    copy = desk.path / "out/a.bin"
    assert copy.read_bytes() == file.read_bytes()
    assert copy.stat().st_mtime == 1_600_000_000
    assert leftovers(desk.path) == []


def test_a_single_file_takes_the_name_that_is_given(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")
    desk.ok("put", "a.bin", f"{place}/")

    desk.ok("get", f"{place}/a.bin", "new/b.bin")

    assert desk.tree("new").keys() == {"b.bin"}


def test_without_a_place_it_comes_into_the_current_folder(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")
    desk.ok("put", "a.bin", f"{place}/b.bin")

    desk.ok("get", f"{place}/b.bin")

    assert desk.tree(".").keys() == {"a.bin", "b.bin"}


def test_a_folder_comes_whole_and_with_a_slash_what_is_in_it(desk: Desk, place: str) -> None:
    desk.write("film/deep/naïve – ü.txt", b"1")
    desk.write("film/zero", b"")
    (desk.path / "film/empty").mkdir()
    desk.ok("put", "film", place)

    desk.ok("get", f"{place}/film", "whole")
    desk.ok("get", f"{place}/film/", "content")

    assert desk.tree("whole/film") == desk.tree("film")
    assert desk.tree("content") == desk.tree("film")


def test_getting_a_folder_again_fetches_only_what_changed(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    for number in range(5):
        desk.write(f"film/{number}.bin", noise(100))
    desk.ok("put", "film", place)
    desk.ok("get", f"{place}/film", "out")
    fetched = proxy.count(GET_CHUNK)
    desk.write("film/3.bin", b"changed")
    desk.ok("put", "film", place)

    again = desk.counts("get", f"{place}/film", "out", "--force")

    assert (again["fetched"], again["unchanged"], again["bytes"]) == (1, 4, 7)
    assert proxy.count(GET_CHUNK) == fetched + 1
    assert desk.tree("out/film") == desk.tree("film")


def test_a_file_that_differs_is_not_touched_unless_forced(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"theirs")
    desk.ok("put", "a.bin", f"{place}/")
    mine = desk.write("out/a.bin", b"mine")

    done = desk.run("get", f"{place}/a.bin", "out")

    assert done.code == 1
    assert "--force" in done.err
    assert mine.read_bytes() == b"mine"
    desk.ok("get", f"{place}/a.bin", "out", "--force")
    assert mine.read_bytes() == b"theirs"


def test_checksum_finds_what_size_and_time_hide(desk: Desk, place: str) -> None:
    original = desk.write("a.bin", b"one")
    desk.ok("put", "a.bin", f"{place}/")
    copy = desk.write("out/a.bin", b"two")
    facts = original.stat()
    os.utime(copy, ns=(facts.st_mtime_ns, facts.st_mtime_ns))

    assert desk.counts("get", f"{place}/a.bin", "out")["unchanged"] == 1
    assert desk.run("get", f"{place}/a.bin", "out", "--checksum").code == 1
    desk.ok("get", f"{place}/a.bin", "out", "--checksum", "--force")

    assert copy.read_bytes() == b"one"


def test_a_file_with_the_same_bytes_and_another_time_is_left_alone(
    proxied: tuple[Desk, Proxy], place: str
) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(CHUNK + 1))
    desk.ok("put", "a.bin", f"{place}/")
    os.utime(desk.path / "a.bin", (1, 1))

    assert desk.counts("get", f"{place}/a.bin", ".")["unchanged"] == 1

    assert proxy.count(GET_CHUNK) == 0


def test_what_is_missing_there_is_told_and_the_rest_comes(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")
    desk.ok("put", "a.bin", f"{place}/")

    done = desk.run("get", f"{place}/gone.bin", f"{place}/a.bin", "out/")

    assert done.code == 1
    assert "gone.bin" in done.err
    assert desk.tree("out").keys() == {"a.bin"}
    assert desk.run("get", f"{place}/gone.bin", "out/").code == 4


def test_a_folder_where_the_file_should_be_stays(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")
    desk.ok("put", "a.bin", f"{place}/")
    (desk.path / "out/a.bin").mkdir(parents=True)

    done = desk.run("get", f"{place}/a.bin", "out", "--force")

    assert done.code == 1
    assert "is no file" in done.err


def test_a_file_where_the_folder_should_be_stays(desk: Desk, place: str) -> None:
    desk.write("film/a.bin", b"1")
    desk.ok("put", "film", place)
    desk.write("out/film", b"mine")

    done = desk.run("get", f"{place}/film", "out", "--force")

    assert done.code == 1
    assert (desk.path / "out/film").read_bytes() == b"mine"


def test_links_in_the_target_are_not_followed(desk: Desk, place: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.bin").write_bytes(b"precious")
    desk.write("film/sub/a.bin", b"1")
    desk.write("film/b.bin", b"2")
    desk.ok("put", "film", place)
    (desk.path / "out/film").mkdir(parents=True)
    (desk.path / "out/film/sub").symlink_to(outside)
    (desk.path / "out/film/b.bin").symlink_to(outside / "b.bin")
    (desk.path / "out/film/.b.bin.rapidserve-part").symlink_to(outside / "c.bin")

    done = desk.run("get", f"{place}/film", "out", "--force")

    assert done.code == 1
    assert [(left.name, left.read_bytes()) for left in outside.iterdir()] == [
        ("a.bin", b"precious")
    ]


def test_a_link_in_place_of_the_unfinished_file_is_not_followed(
    desk: Desk, place: str, tmp_path: Path
) -> None:
    desk.write("a.bin", b"1")
    desk.ok("put", "a.bin", f"{place}/")
    (desk.path / "out").mkdir()
    (desk.path / "out/.a.bin.rapidserve-part").symlink_to(tmp_path / "elsewhere")

    assert desk.run("get", f"{place}/a.bin", "out").code == 1

    assert not (tmp_path / "elsewhere").exists()


def test_the_target_itself_may_be_a_link(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")
    desk.ok("put", "a.bin", f"{place}/")
    (desk.path / "real").mkdir()
    (desk.path / "link").symlink_to("real")

    desk.ok("get", f"{place}/a.bin", "link")

    assert desk.tree("real").keys() == {"a.bin"}


def test_names_of_devices_are_refused_and_can_be_given_another(desk: Desk, place: str) -> None:
    desk.write("film/aux.c", b"driver")
    desk.write("film/fine.c", b"1")
    desk.ok("put", "film", place)

    done = desk.run("get", f"{place}/film", "out")
    desk.ok("get", f"{place}/film/aux.c", "driver.c")

    assert done.code == 1
    assert "aux.c: This name is not written to disk: it is a device on Windows." in done.err
    assert desk.tree("out/film").keys() == {"fine.c"}
    assert (desk.path / "driver.c").read_bytes() == b"driver"


def test_a_name_of_255_bytes_fits(desk: Desk, place: str) -> None:
    name = "ü" * 127 + "x"
    desk.write(name, noise(100))
    desk.ok("put", name, f"{place}/")

    desk.ok("get", f"{place}/{name}", "out/")

    assert desk.tree("out").keys() == {name}


def test_a_place_that_is_no_file_is_refused(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")
    desk.ok("put", "a.bin", f"{place}/")

    done = desk.run("get", f"{place}/a.bin", "/dev/null", "--force")

    assert done.code == 1
    assert Path("/dev/null").is_char_device()


def test_a_disk_without_room_is_told(desk: Desk, place: str) -> None:
    desk.write("a.bin", b"1")
    desk.ok("put", "a.bin", f"{place}/")
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")

    done = desk.run("get", f"{place}/a.bin", "/dev/full/a.bin")

    assert done.code == 1


def test_two_at_once_do_not_write_the_same_file(proxied: tuple[Desk, Proxy], place: str) -> None:
    desk, proxy = proxied
    desk.write("a.bin", noise(3 * CHUNK))
    desk.ok("put", "a.bin", f"{place}/")
    proxy.hold_after(GET_CHUNK, 0)
    first = desk.start("get", f"{place}/a.bin", "out/")
    part = desk.path / "out/.a.bin.rapidserve-part"
    while not part.exists():
        assert first.poll() is None

    second = desk.run("get", f"{place}/a.bin", "out/")
    proxy.let_go()

    assert second.code == 1
    assert "Something else is writing it" in second.err
    assert first.wait(60) == 0
    assert (desk.path / "out/a.bin").read_bytes() == (desk.path / "a.bin").read_bytes()
