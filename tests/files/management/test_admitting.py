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


def test_a_rule_is_added_and_pages_send_straight(tmp_path, node, settings):
    with s3servers.ministack(tmp_path) as address:
        node(address)
        bucket = registry.nodes()["main"].bucket
        bucket.admit(["https://other.example.org"], ["PUT"])

        assert admit_pages("main") == ""

        assert list(direct_nodes(page_origin=settings.PAGE_ORIGINS[0])) == ["main"]
        assert direct_nodes(page_origin="http://unasked.example.org") == {}
        rules = bucket.client.get_bucket_cors(Bucket="chunks")["CORSRules"]
        assert rules[0]["AllowedOrigins"] == ["https://other.example.org"]
        assert admit_pages("main") == ""
        assert bucket.client.get_bucket_cors(Bucket="chunks")["CORSRules"] == rules


def test_where_no_rule_can_be_added_pages_send_through_the_server(tmp_path, node, settings):
    with swift(tmp_path) as address:
        node(address)

        problem = admit_pages("main")

        assert "allow PUT" in problem
        assert list(direct_nodes()) == ["main"]
        assert direct_nodes(page_origin=settings.PAGE_ORIGINS[0]) == {}


def test_a_store_that_is_away_changes_nothing(tmp_path, node, settings):
    with s3servers.ministack(tmp_path) as address:
        node(address)
        assert admit_pages("main") == ""

    assert "can't be asked" in admit_pages("main")

    assert list(direct_nodes(page_origin=settings.PAGE_ORIGINS[0])) == ["main"]


@pytest.mark.usefixtures("node")
def test_pages_are_shown_while_no_address_can_be_signed(settings, monkeypatch):
    settings.NODES = "main=s3://chunks?endpoint=http://127.0.0.1:1&region=eu-1"
    registry.reset()
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in s3servers.CREDENTIALS:
        monkeypatch.delenv(name)

    assert registry.bucket_origins() == ()
