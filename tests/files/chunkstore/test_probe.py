"""What is found out about real servers that enforce everything, something and nothing."""

import pytest
import urllib3

from files.chunkstore.backends import s3
from files.chunkstore.backends.s3 import S3Backend
from files.chunkstore.bucket import Bucket
from files.chunkstore.chunk import CHUNK_SIZE
from files.chunkstore.errors import NodeError, NodeOffline
from files.chunkstore.probe import IntegrityMode, classify
from tests.engines import s3servers
from tests.engines.certificates import make_certificate
from tests.engines.swift import swift
from tests.files.chunkstore.conformance import KEY, content, get, put, sha256

pytestmark = pytest.mark.skipif(
    s3servers.missing() is not None, reason=f"no S3 servers: {s3servers.missing()}"
)
DATA = content(1000)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    for name, value in s3servers.CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def node(tmp_path):
    """Makes a node on a server of this kind."""

    def node(address):
        s3servers.make_bucket(address, "chunks")
        bucket = Bucket("chunks", "", endpoint=address, region=s3servers.REGION)
        s3.setup(bucket, "main")
        return S3Backend("main", bucket)

    return node


@pytest.mark.parametrize("server", [s3servers.ministack, swift])
def test_servers_that_compare_checksums_with_bytes(tmp_path, node, server):
    with server(tmp_path) as address:
        backend = node(address)

        assert classify(backend) == IntegrityMode.HEADER
        assert list(backend.list()) == []


def test_rclone_compares_nothing_so_nobody_gets_its_address(tmp_path, node):
    with s3servers.rclone(tmp_path) as address:
        assert classify(node(address)) == IntegrityMode.READBACK


def test_over_tls_with_a_private_authority_bytes_arrive_as_they_were_sent(
    tmp_path, node, monkeypatch
):
    """Left to itself boto3 sends a trailer over TLS, which stores other than AWS's own refuse."""
    certificate = make_certificate(tmp_path, "localhost")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate[0]))
    with s3servers.rclone(tmp_path, certificate=certificate) as address:
        assert address.startswith("https:")
        backend = node(address)
        data = content(CHUNK_SIZE)

        put(backend, KEY, data)

        assert get(backend, KEY) == data
        assert classify(backend) == IntegrityMode.READBACK


def test_an_authority_that_is_not_known_makes_a_node_offline(tmp_path, node, monkeypatch):
    certificate = make_certificate(tmp_path, "localhost")
    with s3servers.rclone(tmp_path, certificate=certificate) as address:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate[0]))
        place = node(address).bucket
        monkeypatch.delenv("AWS_CA_BUNDLE")

        with pytest.raises(NodeOffline):
            S3Backend("main", place).check()


def test_moto_minds_no_signature_and_is_refused(tmp_path, node):
    with s3servers.moto(tmp_path) as address, pytest.raises(NodeError, match="wrong signature"):
        classify(node(address))


def test_a_server_that_is_away_is_not_classified():
    away = Bucket("chunks", "", endpoint="http://127.0.0.1:1", region=s3servers.REGION)

    with pytest.raises(NodeOffline):
        classify(S3Backend("main", away))


def test_a_node_that_loses_bytes_is_refused(tmp_path, node, monkeypatch):
    monkeypatch.setattr(S3Backend, "read", lambda *_: iter([b"something else"]))

    with (
        s3servers.ministack(tmp_path) as address,
        pytest.raises(NodeError, match="does not give back"),
    ):
        classify(node(address))


def test_an_address_takes_these_bytes_once(tmp_path, node):
    with s3servers.ministack(tmp_path) as address:
        backend = node(address)
        ours = backend.presigned_put(KEY, size=len(DATA), sha256=sha256(DATA), seconds=60)

        def put(body):
            return urllib3.request("PUT", ours.url, body=body, headers=ours.headers).status

        assert put(DATA[:-1] + b"!") == 400
        assert put(DATA + b"!") >= 400
        assert put(DATA) == 200
        assert put(DATA) == 412
        assert get(backend, KEY) == DATA
