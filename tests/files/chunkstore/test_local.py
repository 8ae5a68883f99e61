"""The local backend against a hostile disk: unmounted, foreign, full, read-only, tampered with."""

import errno
import json
import os
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from files.chunkstore.backends import local
from files.chunkstore.backends.local import MARKER, LocalBackend
from files.chunkstore.errors import (
    ChunkAbsent,
    ChunkShort,
    DigestMismatch,
    LengthMismatch,
    NodeError,
    NodeFull,
    NodeOffline,
)
from tests.files.chunkstore.conformance import KEY, OTHER_KEY, content, get, put, sha256

FUTURE = timedelta(hours=1)


@pytest.fixture
def directory(tmp_path):
    local.setup(tmp_path / "node", "main")
    return tmp_path / "node"


@pytest.fixture
def backend(directory):
    return LocalBackend("main", directory)


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 1 MiB with a node on it. Needs the right to mount."""
    mount = tmp_path / "disk"
    mount.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("may not mount a tmpfs here")
    local.setup(mount, "main")
    yield mount
    subprocess.run(["umount", "-l", mount], capture_output=True, check=False)


def write_all(writer, data):
    writer.write(data)
    writer.commit()


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def fill(directory):
    with (directory / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def files_in(directory):
    return sorted(path for path in (directory / "objects").rglob("*") if path.is_file())


def sweep_all(backend):
    return backend.sweep(datetime.now(UTC) + FUTURE)


EVERY_USE = {
    "writer": lambda backend: backend.writer(KEY, size=1, sha256=None),
    "read": lambda backend: get(backend, KEY),
    "read absent": lambda backend: get(backend, OTHER_KEY),
    "stat": lambda backend: backend.stat(KEY),
    "stat absent": lambda backend: backend.stat(OTHER_KEY),
    "delete": lambda backend: backend.delete(KEY),
    "delete absent": lambda backend: backend.delete(OTHER_KEY),
    "list": lambda backend: list(backend.list()),
    "sweep": sweep_all,
    "path": lambda backend: backend.path(KEY),
    "path absent": lambda backend: backend.path(OTHER_KEY),
    "check": lambda backend: backend.check(),
}


class TestOnDisk:
    def test_an_object_is_one_private_file_in_a_directory_of_256(self, backend, directory):
        put(backend, KEY, b"abc")

        assert files_in(directory) == [directory / "objects" / "01" / KEY]
        assert backend.path(KEY) == directory / "objects" / "01" / KEY
        assert stat.S_IMODE(backend.path(KEY).stat().st_mode) == 0o600
        assert stat.S_IMODE((directory / "objects" / "01").stat().st_mode) == 0o700

    def test_sixteen_concurrent_puts_leave_exactly_one_file(self, backend, directory):
        together = threading.Barrier(16)

        def one_put(_):
            together.wait()
            put(backend, KEY, content(500_000))

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(one_put, range(16)))

        assert files_in(directory) == [backend.path(KEY)]
        assert backend.path(KEY).stat().st_nlink == 1

    @pytest.mark.parametrize("data", [b"abcd", b"ab", b"abd"])
    def test_a_refused_write_leaves_no_file(self, backend, directory, data):
        writer = backend.writer(KEY, size=3, sha256=sha256(b"abc"))

        with pytest.raises((LengthMismatch, DigestMismatch)):
            write_all(writer, data)

        assert files_in(directory) == []

    def test_an_aborted_write_leaves_no_file(self, backend, directory):
        writer = backend.writer(KEY, size=3, sha256=None)
        writer.write(b"abc")

        writer.abort()

        assert files_in(directory) == []

    def test_a_file_that_was_cut_short_is_never_read_short(self, backend):
        put(backend, KEY, content(1000))
        os.truncate(backend.path(KEY), 900)

        assert backend.stat(KEY).size == 900
        with pytest.raises(ChunkShort):
            get(backend, KEY, 0, 1000)

    def test_a_file_that_is_cut_short_while_it_is_read_is_damaged(self, backend):
        put(backend, KEY, content(1_000_000))
        blocks = backend.read(KEY)
        next(blocks)

        os.truncate(backend.path(KEY), 300_000)

        with pytest.raises(local.ChunkDamaged):
            list(blocks)

    def test_a_symbolic_link_in_place_of_an_object_is_not_followed(self, backend, tmp_path):
        put(backend, KEY, b"abc")
        secret = tmp_path / "secret"
        secret.write_text("of the machine")
        backend.path(KEY).unlink()
        backend.file(KEY).symlink_to(secret)

        with pytest.raises(NodeError):
            get(backend, KEY)

    def test_files_that_are_no_objects_are_not_listed(self, backend, directory):
        put(backend, KEY, b"abc")
        for stranger in ("objects/README", "objects/01/notes.txt", f"objects/01/{OTHER_KEY}"):
            (directory / stranger).write_text("?")

        assert [stored.key for stored in backend.list()] == [KEY]

    def test_closing_a_reader_releases_its_file(self, backend):
        put(backend, KEY, content(1_000_000))
        before = open_files()

        for _ in range(20):
            blocks = backend.read(KEY)
            next(blocks)
            blocks.close()

        assert open_files() == before

    def test_writers_release_their_files_however_they_end(self, backend):
        before = open_files()

        put(backend, KEY, b"abc")
        put(backend, KEY, b"abc")
        backend.writer(OTHER_KEY, size=1, sha256=None).abort()
        with pytest.raises(LengthMismatch):
            backend.writer(OTHER_KEY, size=1, sha256=None).write(b"ab")

        assert open_files() == before


class TestDurability:
    @pytest.fixture
    def synced(self, directory, monkeypatch):
        """What was synced, in order, and whether the chunk was visible at that moment."""
        seen = []
        fsync = os.fsync

        def noticing(descriptor):
            name = Path(f"/proc/self/fd/{descriptor}").readlink()
            seen.append((name, (directory / "objects/01" / KEY).exists()))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", noticing)
        return seen

    def test_bytes_are_synced_before_the_name_and_the_name_before_commit_returns(
        self, backend, directory, synced
    ):
        put(backend, KEY, b"abc")

        (first, was_visible), *later = synced
        assert first.name.startswith(f".{KEY}.")
        assert not was_visible
        assert later == [
            (directory / "objects" / "01", True),
            (directory / "objects", True),
            (directory, True),
        ]

    def test_another_process_syncs_the_directories_again(self, backend, directory, synced):
        put(backend, KEY, b"abc")
        backend.delete(KEY)
        synced.clear()

        put(LocalBackend("main", directory), KEY, b"abc")

        assert directory / "objects" in {name for name, _ in synced}

    def test_a_disk_that_was_exchanged_has_its_directories_synced_again(
        self, backend, directory, synced, tmp_path
    ):
        put(backend, KEY, b"abc")
        directory.rename(tmp_path / "old disk")
        local.setup(directory, "main")
        synced.clear()

        put(backend, KEY, b"abc")

        assert directory / "objects" in {name for name, _ in synced}

    def test_sweep_completes_it_before_it_removes_the_trace(self, backend, directory, synced):
        put(backend, KEY, b"abc")
        (directory / "objects/01" / f".{KEY}.0.tmp").hardlink_to(backend.path(KEY))
        synced.clear()

        assert sweep_all(backend) == 1

        assert directory / "objects" / "01" in {name for name, _ in synced}

    def test_a_taken_name_is_synced_as_well(self, backend, directory, synced):
        put(backend, KEY, b"abc")
        synced.clear()

        put(backend, KEY, b"abc")

        assert directory / "objects" / "01" in {name for name, _ in synced}

    def test_stat_completes_what_a_dead_writer_left_undone(self, backend, directory, synced):
        put(backend, KEY, b"abc")
        (directory / "objects/01" / f".{KEY}.0.tmp").hardlink_to(backend.path(KEY))
        synced.clear()

        backend.stat(KEY)

        assert directory / "objects" / "01" in {name for name, _ in synced}

    def test_stat_syncs_nothing_otherwise(self, backend, synced):
        put(backend, KEY, b"abc")
        synced.clear()

        backend.stat(KEY)

        assert synced == []

    def test_when_the_directory_cannot_be_synced_the_put_fails(self, backend, monkeypatch):
        fsync = os.fsync

        def failing(descriptor):
            if Path(f"/proc/self/fd/{descriptor}").is_dir():
                raise OSError(errno.EIO, "bad disk")
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", failing)

        with pytest.raises(NodeError):
            put(backend, KEY, b"abc")
        with pytest.raises(NodeError):
            backend.stat(KEY)  # not taken for durable either

    def test_when_the_file_cannot_be_synced_nothing_is_stored(
        self, backend, directory, monkeypatch
    ):
        def failing(_):
            raise OSError(errno.EIO, "bad disk")

        monkeypatch.setattr(os, "fsync", failing)

        with pytest.raises(NodeError):
            put(backend, KEY, b"abc")

        assert files_in(directory) == []


class TestMarker:
    @pytest.mark.parametrize("use", EVERY_USE)
    def test_without_its_marker_a_node_is_offline_and_never_empty(self, backend, directory, use):
        put(backend, KEY, b"abc")

        (directory / MARKER).unlink()

        with pytest.raises(NodeOffline):
            EVERY_USE[use](backend)

    @pytest.mark.parametrize("use", EVERY_USE)
    @pytest.mark.parametrize(
        "marker",
        [
            '{"node": "other", "id": "0", "layout": 1}',
            '{"node": "main", "id": "0"}',
            '{"node": "main", "id": "0", "layout": 2}',
            '{"node": 1}',
            "[]",
            "",
            "{",
            "[" * 4000,
            "\0" * 9,
        ],
    )
    def test_with_another_marker_a_node_is_offline(self, backend, directory, use, marker):
        put(backend, KEY, b"abc")

        (directory / MARKER).write_text(marker)

        with pytest.raises(NodeOffline):
            EVERY_USE[use](backend)

    @pytest.mark.parametrize("use", EVERY_USE)
    def test_a_directory_that_is_not_there_is_offline(self, tmp_path, use):
        with pytest.raises(NodeOffline):
            EVERY_USE[use](LocalBackend("main", tmp_path / "nowhere"))

    def test_nothing_is_created_where_the_node_is_not(self, tmp_path):
        mount_point = tmp_path / "empty"
        mount_point.mkdir()
        backend = LocalBackend("main", mount_point)

        for use in EVERY_USE.values():
            with pytest.raises(NodeOffline):
                use(backend)

        assert list(mount_point.iterdir()) == []

    def test_a_node_that_comes_back_works_again(self, backend, directory):
        put(backend, KEY, b"abc")
        marker = (directory / MARKER).read_bytes()
        (directory / MARKER).unlink()
        with pytest.raises(NodeOffline):
            backend.stat(KEY)

        (directory / MARKER).write_bytes(marker)

        assert get(backend, KEY) == b"abc"

    def test_a_disk_that_goes_away_during_a_listing_is_noticed(self, backend, directory):
        put(backend, KEY, b"abc")
        put(backend, OTHER_KEY, b"abc")
        listing = backend.list()
        next(listing)

        directory.rename(directory.with_name("gone"))

        with pytest.raises(NodeOffline):
            list(listing)

    def test_a_disk_that_goes_away_during_a_put_is_noticed(self, backend, directory):
        writer = backend.writer(KEY, size=3, sha256=None)
        writer.write(b"abc")

        directory.rename(directory.with_name("gone"))

        with pytest.raises(NodeOffline):
            writer.commit()
        assert not directory.exists()

    def test_an_unmounted_disk_is_offline_and_its_mount_point_stays_empty(self, small_disk):
        backend = LocalBackend("main", small_disk)
        put(backend, KEY, b"abc")

        subprocess.run(["umount", small_disk], check=True)

        for use in EVERY_USE.values():
            with pytest.raises(NodeOffline):
                use(backend)
        assert list(small_disk.iterdir()) == []


class TestTrouble:
    def test_a_full_disk_refuses_the_chunk_and_is_as_before(self, small_disk):
        backend = LocalBackend("main", small_disk)
        put(backend, OTHER_KEY, b"was here before")

        with pytest.raises(NodeFull):
            put(backend, KEY, content(2 * 2**20))

        assert files_in(small_disk) == [backend.path(OTHER_KEY)]
        put(backend, KEY, content(100_000))
        assert get(backend, KEY) == content(100_000)

    def test_a_full_disk_fails_the_check(self, small_disk):
        backend = LocalBackend("main", small_disk)
        with pytest.raises(OSError, match="space"):
            fill(small_disk)

        with pytest.raises(NodeFull):
            backend.check()

    def test_a_disk_that_turned_read_only_fails_the_check_and_gives_what_it_has(self, small_disk):
        backend = LocalBackend("main", small_disk)
        put(backend, KEY, b"abc")

        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

        with pytest.raises(NodeError):
            backend.check()
        with pytest.raises(NodeError):
            backend.writer(OTHER_KEY, size=1, sha256=None)
        assert get(backend, KEY) == b"abc"

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
    @pytest.mark.parametrize("call", ["write", "fsync", "link"])
    def test_no_space_at_any_step_is_node_full_and_leaves_nothing(
        self, backend, directory, monkeypatch, number, call
    ):
        def failing(*_args, **_options):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, call, failing)

        with pytest.raises(NodeFull):
            put(backend, KEY, b"abc")

        monkeypatch.undo()
        assert files_in(directory) == []
        put(backend, KEY, b"abc")
        assert get(backend, KEY) == b"abc"

    def test_a_write_that_the_system_takes_in_parts_is_whole(self, backend, monkeypatch):
        write = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))

        put(backend, KEY, content(1000))

        assert get(backend, KEY) == content(1000)

    def test_a_read_that_the_system_gives_in_parts_is_whole(self, backend, monkeypatch):
        put(backend, KEY, content(1000))
        pread = os.pread
        monkeypatch.setattr(os, "pread", lambda fd, length, at: pread(fd, min(length, 7), at))

        assert get(backend, KEY, 100, 800) == content(1000)[100:900]

    @pytest.mark.parametrize("call", ["pread", "open"])
    def test_an_unreadable_disk_is_a_node_error_and_not_absence(self, backend, monkeypatch, call):
        put(backend, KEY, b"abc")
        real = getattr(os, call)

        def failing(path, *args, **options):
            if call == "open" and KEY not in str(path):
                return real(path, *args, **options)
            raise OSError(errno.EIO, "bad disk")

        monkeypatch.setattr(os, call, failing)

        with pytest.raises(NodeError):
            get(backend, KEY)

    def test_an_unreadable_directory_breaks_a_listing_off(self, backend, monkeypatch):
        put(backend, KEY, b"abc")

        def failing(_):
            raise OSError(errno.EIO, "bad disk")

        monkeypatch.setattr(os, "scandir", failing)

        with pytest.raises(NodeError):
            list(backend.list())


class TestSweep:
    def test_stale_temporary_files_go_and_young_ones_stay(self, backend, directory):
        put(backend, KEY, b"abc")
        stale = directory / "objects/01" / f".{KEY}.dead.tmp"
        young = directory / "objects/01" / f".{KEY}.alive.tmp"
        probe = directory / "objects" / ".probe.dead.1.tmp"
        for file in (stale, young, probe):
            file.write_bytes(b"half")
        for file in (stale, probe):
            os.utime(file, (1, 1))

        swept = backend.sweep(datetime.now(UTC) - FUTURE)

        assert swept == 2
        assert files_in(directory) == sorted([young, backend.path(KEY)])

    def test_only_temporary_files_are_ever_swept(self, backend, directory):
        put(backend, KEY, b"abc")
        os.utime(backend.path(KEY), (1, 1))
        (directory / "objects/01/notes.txt").write_text("?")

        assert sweep_all(backend) == 0

        assert get(backend, KEY) == b"abc"


class TestSetup:
    def test_an_absent_directory_becomes_a_node(self, tmp_path):
        local.setup(tmp_path / "a" / "b", "main")

        LocalBackend("main", tmp_path / "a" / "b").check()

    def test_setting_up_again_changes_nothing(self, backend, directory):
        put(backend, KEY, b"abc")
        marker = (directory / MARKER).read_bytes()

        local.setup(directory, "main")

        assert (directory / MARKER).read_bytes() == marker
        assert get(backend, KEY) == b"abc"

    def test_every_node_has_an_id_of_its_own(self, directory, tmp_path):
        local.setup(tmp_path / "second", "main")

        first, second = (
            json.loads((d / MARKER).read_text()) for d in (directory, tmp_path / "second")
        )

        assert first["node"] == second["node"] == "main"
        assert first["id"] != second["id"]

    def test_a_fresh_disk_has_lost_and_found(self, tmp_path):
        (tmp_path / "lost+found").mkdir()

        local.setup(tmp_path, "main")

        LocalBackend("main", tmp_path).check()

    def test_a_setup_that_was_killed_can_be_repeated(self, tmp_path):
        (tmp_path / f".{MARKER}.0123.tmp").write_text("{")

        local.setup(tmp_path, "main")

        LocalBackend("main", tmp_path).check()

    @pytest.mark.parametrize("stranger", ["holiday.jpg", "objects", ".hidden"])
    def test_a_directory_with_anything_else_in_it_is_refused_untouched(self, tmp_path, stranger):
        (tmp_path / stranger).mkdir()

        with pytest.raises(NodeError):
            local.setup(tmp_path, "main")

        assert [entry.name for entry in tmp_path.iterdir()] == [stranger]

    def test_another_nodes_directory_is_refused(self, directory):
        with pytest.raises(NodeError):
            local.setup(directory, "second")

        LocalBackend("main", directory).check()

    def test_a_file_in_its_place_is_refused(self, tmp_path):
        (tmp_path / "file").write_text("?")

        with pytest.raises(NodeError):
            local.setup(tmp_path / "file", "main")

    def test_two_processes_may_set_up_the_same_directory(self, tmp_path):
        together = threading.Barrier(8)

        def one_setup(_):
            together.wait()
            local.setup(tmp_path / "node", "main")

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(one_setup, range(8)))

        assert sorted(e.name for e in (tmp_path / "node").iterdir()) == ["objects", MARKER]


def test_absence_is_never_said_of_a_disk_that_left_between_two_looks(
    backend, directory, monkeypatch
):
    verify = backend._verify_marker

    def verify_then_unmount():
        verify()
        if directory.exists():
            directory.rename(directory.with_name("gone"))

    put(backend, KEY, b"abc")
    monkeypatch.setattr(backend, "_verify_marker", verify_then_unmount)

    with pytest.raises(NodeOffline):
        backend.stat(KEY)


def test_nothing_is_made_below_the_mount_point_of_a_disk_that_left_between_two_looks(
    backend, directory, monkeypatch
):
    verify = backend._verify_marker

    def verify_then_unmount():
        verify()
        if (directory / MARKER).exists():
            directory.rename(directory.with_name("gone"))
            directory.mkdir()

    monkeypatch.setattr(backend, "_verify_marker", verify_then_unmount)

    with pytest.raises(NodeOffline):
        backend.writer(KEY, size=1, sha256=None)

    assert list(directory.iterdir()) == []


def test_a_missing_object_on_a_present_disk_is_absent(backend):
    with pytest.raises(ChunkAbsent):
        backend.stat(KEY)
