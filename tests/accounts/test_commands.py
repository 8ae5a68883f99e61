import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_create_owner_makes_a_person_who_may_do_everything(capsys):
    call_command("create_owner", "alice", "--password", PASSWORD)

    alice = User.objects.get(username="alice")
    assert alice.is_superuser
    assert alice.is_staff
    assert alice.check_password(PASSWORD)
    assert capsys.readouterr().out == "Created the owner alice.\n"


def test_create_user_makes_an_ordinary_person(capsys):
    call_command("create_user", "bob", "--password", PASSWORD, "--display-name", "Bob Baker")

    bob = User.objects.get(username="bob")
    assert bob.display_name == "Bob Baker"
    assert not bob.is_superuser
    assert not bob.is_staff
    assert capsys.readouterr().out == "Created bob.\n"


@pytest.mark.parametrize("command", ["create_owner", "create_user"])
def test_a_generated_password_is_printed_and_works(capsys, command):
    call_command(command, "alice", "--generate")

    password = capsys.readouterr().out.partition("Password: ")[2].strip()
    assert User.objects.get().check_password(password)


@pytest.mark.parametrize("command", ["create_owner", "create_user"])
def test_a_taken_name_is_one_line_and_changes_nobody(bob, command):
    with pytest.raises(CommandError, match=r"^Somebody already has this name\.$"):
        call_command(command, "BOB", "--password", PASSWORD)

    bob.refresh_from_db()
    assert not bob.is_superuser


@pytest.mark.parametrize(
    "arguments",
    [["al ice", "--password", PASSWORD], ["alice", "--password", "short"],
     ["alice", "--password", "\udcff" * 12], ["alice", "--password", ""]],
)  # fmt: skip
def test_bad_values_are_one_line_each(arguments):
    with pytest.raises(CommandError) as caught:
        call_command("create_user", *arguments)

    assert "\n" not in str(caught.value)
    assert not User.objects.exists()


def test_the_password_is_asked_for_twice(monkeypatch):
    typed = iter([PASSWORD, PASSWORD, PASSWORD, "something else"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(typed))

    call_command("create_user", "alice")
    with pytest.raises(CommandError, match="differ"):
        call_command("create_user", "bob")

    assert User.objects.get().check_password(PASSWORD)


def test_without_a_terminal_nobody_is_asked(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    with pytest.raises(CommandError, match="--password or --generate"):
        call_command("create_user", "alice")


def test_djangos_own_createsuperuser_points_to_create_owner(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    with pytest.raises(CommandError, match="create_owner"):
        call_command("createsuperuser", "--noinput", "--username", "alice")
