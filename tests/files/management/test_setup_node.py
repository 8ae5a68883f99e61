import pytest
from django.core.management import CommandError, call_command

from files.chunkstore import registry
from files.models import Chunk, Node

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory(tmp_path, settings):
    """A directory that the settings call `second`, and that nobody has set up."""
    settings.NODES = f"main=file://{tmp_path}/chunks;second=file://{tmp_path}/second"
    registry.reset()
    return tmp_path / "second"


def put(node, key, data=b"something"):
    writer = registry.node(node).writer(key, size=len(data), sha256=None)
    writer.write(data)
    writer.commit()


def test_a_directory_becomes_the_node_of_that_name(directory, capsys):
    call_command("setup_node", "second")

    registry.node("second").check()
    assert Node.objects.filter(name="second").exists()
    assert capsys.readouterr().out == f"second is ready in {directory}.\n"


def test_doing_it_again_changes_nothing(directory):
    call_command("setup_node", "second")
    put("second", key := "a" * 32)
    Chunk.objects.create(key=key, sha256="b" * 64, size=9, node="second")

    call_command("setup_node", "second")

    assert registry.node("second").stat(key).size == 9


def test_chunks_that_nobody_knows_are_not_taken_over_by_accident(directory):
    call_command("setup_node", "second")
    Node.objects.all().delete()
    put("second", "a" * 32)

    with pytest.raises(CommandError, match="holds 1 chunks"):
        call_command("setup_node", "second")
    assert not Node.objects.exists()

    call_command("setup_node", "second", "--take-over")
    assert Node.objects.filter(name="second").exists()


def test_somebodys_files_are_left_alone(directory):
    directory.mkdir()
    (directory / "thesis.odt").write_text("mine")

    with pytest.raises(CommandError, match="not empty"):
        call_command("setup_node", "second")
    assert [file.name for file in directory.iterdir()] == ["thesis.odt"]


def test_a_node_that_is_not_in_the_settings_is_refused(directory):
    with pytest.raises(CommandError, match="no node third"):
        call_command("setup_node", "third")
