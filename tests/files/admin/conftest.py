"""Who comes to the administration, and an installation with something of everything in it."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.actions import create_owner, create_user
from files.admin import system
from files.models import Node
from tests.world import PASSWORD, World, described


def client_of(user) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client


def _staff(name):
    """Staff as there was before there were roles: what they may is said for each."""
    user = create_user(username=name, password=PASSWORD)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    return user


@pytest.fixture(autouse=True)
def _count_anew():
    """The figures of another test are not those of this one."""
    system.figures.cache_clear()


def installation(world: World) -> World:
    """alice has files, versions, a pack, a team space, something in the trash, an upload open."""
    alice = world.alice
    folder = alice.folder("papers")
    alice.upload("report.txt", b"the first", parent=folder)
    alice.upload("report.txt", b"the second", parent=folder)
    alice.upload("unloved.txt", b"trash")
    alice.delete(f"/api/files/{alice.upload('old.txt', b'old')['file']['id']}")
    alice.pack([(described(name, b"small"), b"small") for name in ("a", "b")])
    alice.post("/api/spaces", {"name": "Team", "kind": "team"})
    alice.register("open.bin", b"not sent yet")
    alice.get("/api/upload/" + alice.register("sent.bin", b"x").json()["upload_id"])
    Node.objects.get_or_create(name="main")
    editors = Group.objects.create(name="Editors")
    alice.share(folder, editors, "editor")
    alice.share(folder, world.bob, "viewer")
    link = alice.post(f"/api/files/{folder}/links", {"role": "download"}).json()
    world.nobody().post(f"/api/s/{link['url'].rpartition('/')[2]}/grant", {})
    EmailAddress.objects.create(user=alice.user, email="alice@example.org", verified=True)
    Authenticator.objects.create(user=alice.user, type=Authenticator.Type.TOTP, data={})
    SocialAccount.objects.create(user=alice.user, provider="oidc", uid="alice there")
    return world


@pytest.fixture
def full(scene) -> World:
    """Of a module whose SCENE is `installation`."""
    return scene


@pytest.fixture
def owner(db):
    return create_owner(username="owner", password=PASSWORD)


@pytest.fixture
def as_owner(owner) -> Client:
    return client_of(owner)


@pytest.fixture
def as_viewer(db) -> Client:
    """Staff who may look at everything and change nothing."""
    viewer = _staff("viewer")
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return client_of(viewer)


@pytest.fixture
def as_keeper(db) -> Client:
    """Staff who may change files, and is no superuser."""
    keeper = _staff("keeper")
    keeper.user_permissions.set(
        Permission.objects.filter(content_type__app_label="files").exclude(
            codename__startswith="delete_"
        )
    )
    return client_of(keeper)


@pytest.fixture
def as_staff(db) -> Client:
    """Staff without any right."""
    return client_of(_staff("staff"))
