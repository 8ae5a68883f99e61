"""RAPIDSERVE_NODES: what it may say, and what is refused in one clear line."""

import subprocess
import sys
from pathlib import Path

import pytest

from files.chunkstore import registry
from files.chunkstore.backends import local
from files.chunkstore.bucket import Bucket
from files.chunkstore.config import NodeConfig, parse_nodes
from files.chunkstore.errors import NodeOffline
from rapidserve.env import SettingError
from rapidserve.keys import MasterKey
from tests.files.chunkstore.conformance import KEY, get, put


def test_a_node_has_defaults():
    assert parse_nodes("main=file:///srv/chunks") == (
        NodeConfig("main", Path("/srv/chunks"), weight=1.0, domain="main", seal=True),
    )


def test_several_nodes_with_all_their_parameters():
    first, second = parse_nodes(
        " a=file:///srv/a?weight=2.5&domain=rack1&seal=off ;\n b-2=file:///srv/b?seal=on; "
    )

    assert first == NodeConfig("a", Path("/srv/a"), weight=2.5, domain="rack1", seal=False)
    assert second == NodeConfig("b-2", Path("/srv/b"), weight=1.0, domain="b-2", seal=True)


def test_a_bucket_has_a_prefix_and_what_every_program_for_s3_is_told():
    [node] = parse_nodes(
        "main=s3://files.example/rapid/serve?endpoint=https://s3.example.org:9000"
        "&region=eu-1&profile=storage&sse=AES256&weight=2"
    )

    assert node.place == Bucket(
        "files.example",
        "rapid/serve/",
        endpoint="https://s3.example.org:9000",
        region="eu-1",
        profile="storage",
        sse="AES256",
    )
    assert (node.weight, node.seal) == (2, False)


def test_a_bucket_may_seal_too_and_then_bytes_go_through_the_server():
    assert parse_nodes("main=s3://bucket?seal=on")[0].seal


def test_clients_send_to_a_bucket_and_are_not_led_to_it_unless_told():
    plain, led, kept, sealed = parse_nodes(
        "a=s3://bucket/a;b=s3://bucket/b?redirect=on;"
        "c=s3://bucket/c?direct=off;d=s3://bucket/d?seal=on"
    )

    assert (plain.direct, plain.redirect) == (True, False)
    assert (led.direct, led.redirect) == (True, True)
    assert (kept.direct, kept.redirect) == (False, False)
    assert (sealed.direct, sealed.redirect) == (False, False)


def test_a_bucket_may_be_the_nodes_alone():
    assert parse_nodes("main=s3://bucket")[0].place == Bucket("bucket", "")


@pytest.mark.parametrize(
    ("url", "directory"),
    [
        ("file:///srv/my files", "/srv/my files"),
        ("file:///srv/my%20files%3B1", "/srv/my files;1"),
        ("file:///srv/caf%C3%A9", "/srv/café"),
        ("file:///srv/a=b", "/srv/a=b"),
        ("file:///srv//chunks/./main/", "/srv/chunks/main"),
        ("file:////srv/chunks", "/srv/chunks"),
    ],
)
def test_paths_are_decoded_and_put_in_normal_form(url, directory):
    assert parse_nodes(f"main={url}")[0].place == Path(directory)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no node"),
        (" ; ;", "no node"),
        ("file:///srv/chunks", "name"),
        ("main", "name"),
        ("=file:///srv/chunks", "name"),
        ("Main=file:///srv/chunks", "name"),
        ("ma in=file:///srv/chunks", "name"),
        ("ma/in=file:///srv/chunks", "name"),
        ("é=file:///srv/chunks", "name"),
        ("a" * 33 + "=file:///srv/chunks", "name"),
        ("main=", "scheme"),
        ("main=/srv/chunks", "scheme"),
        ("main=s3://", "s3://bucket/prefix"),
        ("main=s3://Bucket/prefix", "s3://bucket/prefix"),
        ("main=s3://key:secret@bucket/prefix", "s3://bucket/prefix"),
        ("main=s3://bucket/pre fix", "s3://bucket/prefix"),
        ("main=s3://bucket/a?endpoint=ftp://host", "endpoint must look like"),
        ("main=s3://bucket/a?endpoint=https://k:secret@host", "endpoint must look like"),
        ("main=s3://bucket/a?endpoint=https://host:port", "endpoint is not a URL"),
        ("main=s3://bucket/a?region=", "region is not one"),
        ("main=s3://bucket/a?seal=maybe", "seal must be on or off"),
        ("main=s3://bucket/a?direct=", "direct must be on or off"),
        ("main=s3://bucket/a?redirect=yes", "redirect must be on or off"),
        ("main=s3://bucket/a?seal=on&redirect=on", "sealed"),
        ("main=s3://bucket/a?seal=on&direct=on", "sealed"),
        ("main=file:///srv/chunks?redirect=on", "unknown parameter"),
        ("main=s3://bucket/a?color=red", "unknown parameter"),
        ("main=file:///srv/chunks?region=eu", "unknown parameter"),
        ("a=s3://bucket/x;b=s3://bucket/x/", "same place"),
        ("main=http://example.org/", "http is not supported"),
        ("main=file://[srv/chunks", "not a URL"),
        ("main=file://srv/chunks", "absolute"),
        ("main=file:srv/chunks", "absolute"),
        ("main=file://", "absolute"),
        ("main=file:///srv/chunks#here", "absolute"),
        ("main=file:///", "directory"),
        ("main=file:////", "directory"),
        ("main=file:///srv/../etc", "directory"),
        ("main=file:///srv/%2e%2e/etc", "directory"),
        ("main=file:///srv/%00", "directory"),
        ("main=file:///srv/chunks?wieght=2", "wieght"),
        ("main=file:///srv/chunks?weight", "look like"),
        ("main=file:///srv/chunks?weight=1&weight=2", "twice"),
        ("main=file:///srv/chunks?weight=", "weight"),
        ("main=file:///srv/chunks?weight=0", "weight"),
        ("main=file:///srv/chunks?weight=0.0", "weight"),
        ("main=file:///srv/chunks?weight=-1", "weight"),
        ("main=file:///srv/chunks?weight=nan", "weight"),
        ("main=file:///srv/chunks?weight=inf", "weight"),
        ("main=file:///srv/chunks?weight=1e3", "weight"),
        ("main=file:///srv/chunks?weight=" + "9" * 400, "weight"),
        ("main=file:///srv/chunks?domain=", "domain"),
        ("main=file:///srv/chunks?domain=rack 1", "domain"),
        ("main=file:///srv/chunks?seal=maybe", "seal"),
        ("main=file:///srv/chunks?seal=", "seal"),
        ("main=file:///srv/a;main=file:///srv/b", "twice"),
        ("a=file:///srv/chunks;b=file:///srv/chunks", "same place"),
        ("a=file:///srv/chunks;b=file:///srv/./chunks//", "same place"),
        ("a=file:///srv/chunks;b=file:///srv/%63hunks", "same place"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(text, says):
    with pytest.raises(SettingError, match=says) as raised:
        parse_nodes(text)

    assert str(raised.value).startswith("RAPIDSERVE_NODES")
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("two_nodes")
class TestTwoNodes:
    @pytest.fixture
    def two_nodes(self, settings, tmp_path):
        settings.NODES = (
            f"first=file://{tmp_path}/first;second=file://{tmp_path}/second?seal=off&weight=3"
        )
        settings.MASTER_KEYS = (MasterKey("k1", b"1" * 32),)
        local.setup(tmp_path / "first", "first")
        local.setup(tmp_path / "second", "second")

    def test_every_node_comes_with_its_config_and_a_backend_that_works(self):
        nodes = registry.nodes()

        assert list(nodes) == ["first", "second"]
        assert nodes["second"].config.weight == 3
        for name, node in nodes.items():
            node.backend.check()
            assert node.backend.name == name
            put(node.backend, KEY, b"abc")
            assert get(registry.node(name), KEY) == b"abc"
            assert node.backend.snapshot().operations["read"].bytes == 3

    def test_a_node_seals_unless_told_not_to(self):
        for node in registry.nodes().values():
            put(node.backend, KEY, b"in plain sight")

        assert registry.node("first").path(KEY) is None
        assert registry.node("second").path(KEY).read_bytes() == b"in plain sight"

    def test_backends_are_built_once(self):
        assert registry.nodes() is registry.nodes()
        assert registry.node("first") is registry.nodes()["first"].backend

    def test_a_node_that_is_not_in_the_settings_is_offline(self):
        with pytest.raises(NodeOffline, match="third"):
            registry.node("third")


class TestBuilding:
    def test_a_node_that_was_not_set_up_is_offline(self, settings, tmp_path):
        settings.NODES = f"main=file://{tmp_path}/nowhere"

        with pytest.raises(NodeOffline):
            registry.node("main").check()

    def test_sealing_without_a_master_key_is_refused(self, settings, tmp_path):
        settings.NODES = f"main=file://{tmp_path}"
        settings.MASTER_KEYS = ()

        with pytest.raises(SettingError, match="master key"):
            registry.nodes()

    def test_without_sealing_no_master_key_is_needed(self, settings, tmp_path):
        settings.NODES = f"main=file://{tmp_path}?seal=off"
        settings.MASTER_KEYS = ()
        local.setup(tmp_path, "main")

        put(registry.node("main"), KEY, b"abc")

        assert get(registry.node("main"), KEY) == b"abc"

    def test_two_names_of_one_directory_through_a_link_are_refused(self, settings, tmp_path):
        (tmp_path / "alias").symlink_to(tmp_path / "real")
        (tmp_path / "real").mkdir()
        settings.NODES = f"a=file://{tmp_path}/real;b=file://{tmp_path}/alias"

        with pytest.raises(SettingError, match="same place"):
            registry.nodes()


def test_boto3_is_loaded_only_for_buckets():
    """It takes 25 MB in each process."""
    look = (
        "import sys, django; django.setup()\n"
        "import files.admin, files.api.urls, files.delivery.app, files.management.preparation\n"
        "import files.web.urls\n"
        "from files.chunkstore import registry; registry.nodes()\n"
        "print('botocore' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
