from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapidserve import env

NAME = "RS_TEST_VALUE"


@pytest.fixture
def put(monkeypatch):
    """Sets the variable the tests read."""
    monkeypatch.delenv(NAME, raising=False)
    return lambda value: monkeypatch.setenv(NAME, value)


@pytest.mark.parametrize(
    "value",
    ["nonsense", "http://host/", "redis://", "redis://u:s3cret@/0", "redis://u:s3cret@h:x/"],
)
def test_a_secret_address_that_is_none_is_refused_without_its_password(monkeypatch, value):
    monkeypatch.setenv("RAPIDSERVE_X", value)

    with pytest.raises(env.SettingError, match="RAPIDSERVE_X") as refused:
        env.secret_url("RAPIDSERVE_X", ("redis", "rediss"))
    assert "s3cret" not in str(refused.value)


def test_a_secret_address_is_given_whole(monkeypatch):
    monkeypatch.setenv("RAPIDSERVE_X", "rediss://u:s3cret@host:6380/1")

    assert env.secret_url("RAPIDSERVE_X", ("redis", "rediss")) == "rediss://u:s3cret@host:6380/1"
    assert env.secret_url("RAPIDSERVE_Y", ("redis", "rediss")) is None


def test_what_is_not_set_or_blank_is_the_default(put):
    put("  ")

    assert env.text(NAME, "there") == "there"
    assert env.integer(NAME, 7) == 7
    assert env.boolean(NAME, default=True) is True
    assert env.choice(NAME, "a", ("a", "b")) == "a"
    assert env.words(NAME, ("x",)) == ["x"]
    assert env.secret(NAME) is None


@given(value=st.integers(min_value=-(2**70), max_value=2**70))
def test_an_integer_is_read_exactly_or_refused_by_name(value):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(NAME, str(value))

        if 0 <= value < 2**63:
            assert env.integer(NAME, 1) == value
        else:
            with pytest.raises(env.SettingError, match=NAME):
                env.integer(NAME, 1)


@pytest.mark.parametrize("raw", ["abc", "1.5", "0x10", "1e3", "NaN", "1" * 5000])
def test_an_integer_that_is_none_is_one_line(put, raw):
    put(raw)

    with pytest.raises(env.SettingError, match=NAME) as refusal:
        env.integer(NAME, 1)

    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("raw", "meant"),
    [("1", True), ("Yes", True), ("ON", True), ("0", False), ("false", False), ("off", False)],
)
def test_booleans_people_write(put, raw, meant):
    put(raw)

    assert env.boolean(NAME, default=not meant) is meant


@pytest.mark.parametrize("raw", ["2", "maybe", "yess"])
def test_a_boolean_that_is_none_is_refused(put, raw):
    put(raw)

    with pytest.raises(env.SettingError, match=NAME):
        env.boolean(NAME, default=False)


def test_a_choice_names_what_may_be_chosen(put):
    put("c")

    with pytest.raises(env.SettingError, match="a, b"):
        env.choice(NAME, "a", ("a", "b"))


def test_words_lose_their_blanks(put):
    put(" one, ,two ,")

    assert env.words(NAME) == ["one", "two"]


def test_a_path_is_absolute_and_knows_home(put, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    put("~/files")

    assert env.path(NAME, tmp_path) == tmp_path / "files"


def test_a_secret_comes_from_the_variable_before_the_file(put, monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))
    put("")
    from_file = env.secret(NAME)
    put("from the variable")

    assert from_file == "from the file"
    assert env.secret(NAME) == "from the variable"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_secret_file_that_is_missing_empty_or_no_text_is_refused(
    put, monkeypatch, tmp_path, content
):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))

    with pytest.raises(env.SettingError, match=f"{NAME}_FILE"):
        env.secret(NAME)


def test_a_child_gets_this_environment_and_the_changes(put):
    put("kept")

    child = env.child_environment(OTHER="new")

    assert (child[NAME], child["OTHER"]) == ("kept", "new")


@pytest.mark.parametrize(
    ("public", "hosts", "named"),
    [
        (
            "http://127.0.0.1:8000",
            ["127.0.0.1", "127.0.0.1", "localhost", "[::1]"],
            ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"],
        ),
        (
            "https://Files.example.org:443",
            ["files.example.org", "localhost", "other.example.org", ".example.org", "*"],
            ["https://files.example.org", "https://other.example.org"],
        ),
        (
            "https://files.example.org:8443",
            ["files.example.org"],
            ["https://files.example.org:8443"],
        ),
    ],
)
def test_origins_are_named_as_browsers_name_them(public, hosts, named):
    assert env.origins(urlsplit(public), hosts) == named


@pytest.mark.parametrize(
    ("host", "is_one"),
    [("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True),
     ("", False), ("10.0.0.1", False), ("localhost.example.org", False),
     ("127.0.0.1.nip.io", False)],
)  # fmt: skip
def test_loopback_is_told_from_what_only_looks_like_it(host, is_one):
    assert env.is_loopback(host) is is_one
