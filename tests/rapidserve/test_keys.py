import base64

import pytest

from rapidserve import env, keys


@pytest.fixture(autouse=True)
def _no_keys_in_the_environment(monkeypatch):
    for name in ("RAPIDSERVE_SECRET_KEY", "RAPIDSERVE_MASTER_KEYS"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def test_the_first_start_makes_both_files_readable_by_their_owner_only(tmp_path):
    made = keys.create_key_files(tmp_path)

    assert {file.name for file in made} == {"secret_key", "master_keys"}
    assert {file.stat().st_mode & 0o777 for file in made} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_what_was_made_is_what_is_read_from_then_on(tmp_path):
    keys.create_key_files(tmp_path)

    assert keys.secret_key(tmp_path) == keys.secret_key(tmp_path)
    assert len(keys.secret_key(tmp_path)) >= 50
    [key] = keys.master_keys(tmp_path)
    assert len(key.value) == 32


def test_two_installations_have_different_keys(tmp_path):
    keys.create_key_files(tmp_path / "a")
    keys.create_key_files(tmp_path / "b")

    assert keys.master_keys(tmp_path / "a") != keys.master_keys(tmp_path / "b")
    assert keys.secret_key(tmp_path / "a") != keys.secret_key(tmp_path / "b")


def test_keys_that_are_there_are_never_replaced(tmp_path):
    keys.create_key_files(tmp_path)
    before = keys.master_keys(tmp_path)
    (tmp_path / "keys" / "secret_key").unlink()

    made = keys.create_key_files(tmp_path)

    assert [file.name for file in made] == ["secret_key"]
    assert keys.master_keys(tmp_path) == before


def test_a_key_from_the_environment_needs_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("RAPIDSERVE_SECRET_KEY", "s" * 50)

    assert [file.name for file in keys.missing_key_files(tmp_path)] == ["master_keys"]
    assert keys.secret_key(tmp_path) == "s" * 50


def test_before_the_first_start_there_is_no_master_key_and_a_passing_secret(tmp_path):
    assert keys.master_keys(tmp_path) == ()
    assert keys.secret_key(tmp_path) != keys.secret_key(tmp_path)


def test_a_ring_keeps_its_order(tmp_path, monkeypatch):
    ring = f"k2:{encoded(b'2' * 32)}, k1:{encoded(b'1' * 32)}"
    monkeypatch.setenv("RAPIDSERVE_MASTER_KEYS", ring)

    assert [key.id for key in keys.master_keys(tmp_path)] == ["k2", "k1"]


@pytest.mark.parametrize(
    "ring",
    [
        "k1",
        "k1:",
        "k1:short",
        f"k1:{encoded(b'1' * 31)}",
        f"k1:{encoded(b'1' * 33)}",
        f"K 1:{encoded(b'1' * 32)}",
        f":{encoded(b'1' * 32)}",
        f"{'k' * 17}:{encoded(b'1' * 32)}",
        "k1:\xe9\xe9",
    ],
)
def test_a_ring_that_cannot_be_meant_is_refused_without_showing_it(tmp_path, monkeypatch, ring):
    monkeypatch.setenv("RAPIDSERVE_MASTER_KEYS", ring)

    with pytest.raises(env.SettingError, match="RAPIDSERVE_MASTER_KEYS") as refusal:
        keys.master_keys(tmp_path)

    assert encoded(b"1" * 32)[:20] not in str(refusal.value)


def test_a_key_file_that_is_no_file_is_refused_by_name(tmp_path):
    (tmp_path / "keys" / "master_keys").mkdir(parents=True)

    with pytest.raises(env.SettingError, match="master_keys"):
        keys.master_keys(tmp_path)
