"""Which buckets browsers send to: those that were seen to let them."""

import pytest

from files.chunkstore import registry
from files.content.topology import direct_nodes
from files.management.registration import admit_pages, register_node
from tests.engines import s3servers
from tests.engines.swift import swift

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        s3servers.missing() is not None, reason=f"no S3 servers: {s3servers.missing()}"
    ),
]


@pytest.fixture
def node(tmp_path, settings, monkeypatch):
    """Sets up the node `main` on a server of this kind."""
    for name, value in s3servers.CREDENTIALS.items():
        monkeypatch.setenv(name, value)

    def node(address):
        s3servers.make_bucket(address, "chunks")
        settings.NODES = f"main=s3://chunks?endpoint={address}&region={s3servers.REGION}"
        registry.reset()
        registry.setup(registry.nodes()["main"].config)
        register_node("main")

    yield node
    registry.reset()


def test_a_rule_is_added_and_pages_send_straight(tmp_path, node):
    with s3servers.ministack(tmp_path) as address:
        node(address)
        bucket = registry.nodes()["main"].direct
        bucket.admit(["https://other.example.org"])

        assert admit_pages("main") == ""

        assert list(direct_nodes(for_pages=True)) == ["main"]
        rules = bucket.client.get_bucket_cors(Bucket="chunks")["CORSRules"]
        assert rules[0]["AllowedOrigins"] == ["https://other.example.org"]
        assert admit_pages("main") == ""
        assert bucket.client.get_bucket_cors(Bucket="chunks")["CORSRules"] == rules


def test_where_no_rule_can_be_added_pages_send_through_the_server(tmp_path, node):
    with swift(tmp_path) as address:
        node(address)

        problem = admit_pages("main")

        assert "allow PUT" in problem
        assert list(direct_nodes()) == ["main"]
        assert list(direct_nodes(for_pages=True)) == []
