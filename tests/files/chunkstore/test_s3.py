"""Buckets, on two real S3 servers that enforce checksums: MiniStack, and OpenStack Swift."""

import json

import boto3
import pytest
from botocore.loaders import create_loader

from files.chunkstore.backends import s3
from files.chunkstore.backends.s3 import MARKER, Bucket, S3Backend
from files.chunkstore.errors import ChunkAbsent, NodeError, NodeOffline
from files.chunkstore.keyring import KeyRing
from files.chunkstore.sealed import Sealed
from rapidserve.keys import MasterKey
from tests.engines import s3servers
from tests.engines.swift import swift
from tests.files.chunkstore.conformance import KEY, BackendConformance, content, get, put

pytestmark = pytest.mark.skipif(
    s3servers.missing() is not None, reason=f"no S3 server: {s3servers.missing()}"
)
ON_MINISTACK = pytest.mark.parametrize(
    "server", [s3servers.ministack], ids=["ministack"], indirect=True
)
RING = KeyRing([MasterKey("k1", b"1" * 32)])


@pytest.fixture(scope="module", params=[s3servers.ministack, swift], ids=["ministack", "swift"])
def server(request, tmp_path_factory):
    with request.param(tmp_path_factory.mktemp("store")) as address:
        yield address


@pytest.fixture(scope="module", autouse=True)
def _models_read_once():
    """Each client would read botocore's models again, which takes longer than most tests."""
    loader = create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda _path: loader)
        yield


@pytest.fixture(scope="module")
def client(server):
    """An administrator's, who makes buckets. Making one takes longer than most tests."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in s3servers.CREDENTIALS.items():
            environment.setenv(name, value)
        yield boto3.client("s3", endpoint_url=server, region_name="us-east-1")


@pytest.fixture
def bucket(server, client, request):
    name = f"b{abs(hash(request.node.nodeid)):x}"
    client.create_bucket(Bucket=name)
    return Bucket(name, "chunks/", endpoint=server, region="us-east-1")


@pytest.fixture
def node(bucket):
    s3.setup(bucket, "main")
    return S3Backend("main", bucket)


class TestEveryBackend(BackendConformance):
    @pytest.fixture(params=["s3", "sealed(s3)"])
    def backend(self, request, node):
        return node if request.param == "s3" else Sealed(node, RING)


class TestSettingUp:
    def test_marks_a_bucket_once(self, bucket, client):
        s3.setup(bucket, "main")
        s3.setup(bucket, "main")

        marker = client.get_object(Bucket=bucket.name, Key=f"chunks/{MARKER}")["Body"].read()
        assert json.loads(marker) == {"node": "main", "layout": 1}

    def test_refuses_a_bucket_with_something_else_in_it(self, bucket, client):
        client.put_object(Bucket=bucket.name, Key="chunks/holiday.jpg", Body=b"!")

        with pytest.raises(NodeError, match="holiday"):
            s3.setup(bucket, "main")

    def test_refuses_another_nodes_bucket(self, bucket):
        s3.setup(bucket, "other")

        with pytest.raises(NodeError):
            s3.setup(bucket, "main")

    def test_minds_only_its_own_prefix(self, bucket, client):
        client.put_object(Bucket=bucket.name, Key="photos/holiday.jpg", Body=b"!")

        s3.setup(bucket, "main")

        assert list(S3Backend("main", bucket).list()) == []


class TestOffline:
    """Never to be taken for an empty node: everything would look lost, or like waste."""

    def test_a_bucket_that_is_gone(self, node, bucket, client):
        client.delete_object(Bucket=bucket.name, Key=f"chunks/{MARKER}")
        client.delete_bucket(Bucket=bucket.name)

        for ask in (node.stat, get_from(node), node.delete):
            with pytest.raises(NodeOffline):
                ask(KEY)
        with pytest.raises(NodeOffline):
            list(node.list())

    def test_a_bucket_that_lost_its_marker(self, node, bucket, client):
        client.delete_object(Bucket=bucket.name, Key=f"chunks/{MARKER}")

        for ask in (node.stat, get_from(node)):
            with pytest.raises(NodeOffline, match=MARKER):
                ask(KEY)
        with pytest.raises(NodeOffline):
            S3Backend("main", bucket).check()

    def test_one_that_failed_is_not_asked_again_at_once(self, node, bucket, client, monkeypatch):
        marker = f"chunks/{MARKER}"
        content = client.get_object(Bucket=bucket.name, Key=marker)["Body"].read()
        now = 1000.0
        monkeypatch.setattr(s3.time, "monotonic", lambda: now)
        client.delete_object(Bucket=bucket.name, Key=marker)
        with pytest.raises(NodeOffline):
            node.check()
        client.put_object(Bucket=bucket.name, Key=marker, Body=content)

        with pytest.raises(NodeOffline, match=MARKER):
            node.check()
        now += s3.REST_SECONDS
        node.check()

    @pytest.mark.usefixtures("client")
    def test_two_kinds_of_credentials_are_refused_in_one_line(self):
        place = Bucket("b", "", endpoint="http://127.0.0.1:1", region="us-east-1", profile="work")

        with pytest.raises(NodeError, match="keep one"):
            s3.setup(place, "main")

    def test_a_server_that_is_gone(self, client):
        gone = Bucket("b", "", endpoint="http://127.0.0.1:1", region="us-east-1")

        with pytest.raises(NodeOffline):
            S3Backend("main", gone).check()


def get_from(node):
    return lambda key: get(node, key)


def test_an_absent_object_in_a_good_bucket_is_absent(node):
    with pytest.raises(ChunkAbsent):
        node.stat(KEY)


@ON_MINISTACK  # Swift has no words for it
def test_the_store_holds_the_checksum_of_what_it_took(node, bucket, client):
    data = content(1000)

    put(node, KEY, data)

    found = client.head_object(Bucket=bucket.name, Key=f"chunks/{KEY}", ChecksumMode="ENABLED")
    assert found["ChecksumSHA256"]


@ON_MINISTACK  # Swift has no words for it
def test_objects_are_encrypted_by_the_store_where_that_is_set(bucket, client):
    s3.setup(bucket, "main")
    encrypted = Bucket(bucket.name, bucket.prefix, bucket.endpoint, bucket.region, sse="AES256")

    put(S3Backend("main", encrypted), KEY, b"abc")

    found = client.head_object(Bucket=bucket.name, Key=f"chunks/{KEY}")
    assert found["ServerSideEncryption"] == "AES256"
