import pytest
from django.core.management import CommandError, call_command

from files.chunkstore import registry
from files.models import Node
from tests.engines import s3servers

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        s3servers.missing() is not None, reason=f"no S3 servers: {s3servers.missing()}"
    ),
]


@pytest.fixture
def use(settings, monkeypatch):
    """Makes a bucket on a server the node `remote` of the settings."""
    for name, value in s3servers.CREDENTIALS.items():
        monkeypatch.setenv(name, value)

    def use(address):
        s3servers.make_bucket(address, "chunks")
        settings.NODES += f";remote=s3://chunks?endpoint={address}&region={s3servers.REGION}"
        registry.reset()

    return use


def run(capsys, *command):
    call_command(*command)
    return capsys.readouterr().out.strip()


def test_a_bucket_is_probed_when_it_is_set_up_and_when_asked(tmp_path, use, capsys):
    with s3servers.ministack(tmp_path) as address:
        use(address)
        run(capsys, "setup_node", "remote")
        set_up = Node.objects.get(name="remote")
        Node.objects.filter(name="remote").update(integrity_mode="")

        said = run(capsys, "probe_node", "remote")

    probed = Node.objects.get(name="remote")
    assert set_up.integrity_mode == probed.integrity_mode == "header"
    assert probed.probed_at > set_up.probed_at
    assert said == "remote: integrity_mode header."


def test_a_bucket_that_must_not_be_used_is_not_set_up(tmp_path, use):
    with s3servers.moto(tmp_path) as address:
        use(address)

        with pytest.raises(CommandError, match="wrong signature"):
            call_command("setup_node", "remote")

    assert not Node.objects.filter(name="remote").exists()


def test_a_directory_has_nothing_to_find_out(capsys):
    run(capsys, "setup_node", "main")

    assert run(capsys, "probe_node", "main") == "main is a directory: nothing to find."
    assert Node.objects.get(name="main").probed_at is None


def test_a_node_that_was_not_set_up_is_refused():
    for name in ("main", "nowhere"):
        with pytest.raises(CommandError, match=f"no node {name}"):
            call_command("probe_node", name)
