"""`export_data` and `import_data`: an installation arrives elsewhere whole, or not at all.

The database is the same one, emptied in between; the nodes are others. That it may be another
engine is shown by real servers in tests/e2e/test_moving_engines.py.
"""

import json
import random
import shutil
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db.models import ForeignKey

from accounts.actions import create_user
from accounts.models import User
from accounts.organisation import OrganisationRole
from accounts.policy import role_of
from files.chunkstore import registry
from files.chunkstore.chunk import CHUNK_SIZE
from files.content import reader
from files.content.verify import verify
from files.exchange import manifest
from files.exchange.incoming import is_unfinished
from files.exchange.kinds import Rows, kinds
from files.models import Chunk, Entry, Extent, Import, Node, Replica, Space, Upload, Version
from rapidserve.env import SettingError
from tests.conftest import node_in
from tests.engines import undo
from tests.world import PASSWORD, World, described, sha256

LONG = "ß" * 127 + "x"
NAMES = [LONG, "a b\u2028c", '"quoted"', "100%", "café", "日本語.txt", "👩‍👩‍👧.png", ".hidden"]


def run(command, *arguments, **options):
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def content_of(version_id):
    version = reader.version_facts(version_id)
    data = b""
    while len(data) < version.size:
        extent = reader.extent(version_id, len(data) // CHUNK_SIZE)
        data += b"".join(reader.read(version_id, extent, 0, extent.length))
    return sha256(data)


def picture():
    """All that matters: every row of ours as a line, and the bytes of every version."""
    rows = {kind.label: [*kind.pages()] for kind in kinds(contents=True)}
    return rows, {v.id: content_of(v.id) for v in Version.objects.filter(state="committed")}


def wipe():
    """The database as after its first `migrate`."""
    if undo.ON_MONGODB:
        undo.wipe()
    else:
        call_command("flush", interactive=False, verbosity=0)
    reader.forget_all()


def fill(world):
    """An installation with some of everything."""
    dice = random.Random(4)
    alice = world.alice
    Node.objects.create(name="main")
    for name in NAMES:
        alice.upload(
            name, dice.randbytes(dice.randrange(100)), parent=alice.folder(f"in {name}"[:99])
        )
    for _ in range(5):
        alice.upload("often.bin", dice.randbytes(50))
    alice.upload("large.bin", dice.randbytes(CHUNK_SIZE + 5))
    alice.upload("empty", b"")
    alice.upload("twice", b"the same")
    world.bob.upload("twice", b"the same")
    small = [(described(f"{n}.txt", b"p" * n), b"p" * n) for n in range(1, 20)]
    assert alice.pack(small).status_code == 200
    gone = alice.upload("gone.txt", b"in the trash")["file"]["id"]
    assert alice.delete(f"/api/files/{gone}").status_code == 204
    team = alice.post("/api/spaces", {"name": "Team", "kind": "team"}).json()
    alice.upload("plan.txt", b"ours", parent=team["root"])
    staff = Group.objects.create(name="staff")
    staff.permissions.set([Permission.objects.get(codename="view_entry")])
    world.bob.user.groups.add(staff)
    alice.share(team["root"], staff, "viewer")
    alice.share(team["root"], world.bob, "editor")
    world.bob.user.user_permissions.set([Permission.objects.get(codename="change_upload")])
    of_bob = {"user": world.bob.user}
    EmailAddress.objects.create(**of_bob, email="bob@example.org", verified=True, primary=True)
    Authenticator.objects.create(**of_bob, type="recovery_codes", data={"seed": "sealed"})
    SocialAccount.objects.create(**of_bob, provider="oidc", uid="bob there")
    create_user(username="gustav", password=PASSWORD, role=OrganisationRole.GUEST)
    return world


@pytest.fixture
def filled(shared_world):
    return fill(shared_world)


@pytest.fixture
def elsewhere(tmp_path, settings):
    """Lose the database, and point the settings at other nodes."""

    def go(**extra):
        wipe()
        settings.NODES = f"left=file://{tmp_path}/left;right=file://{tmp_path}/right?seal=off"
        registry.reset()

    return go


def test_everything_arrives_on_other_nodes(filled, elsewhere, tmp_path):
    before = picture()
    exported = run("export_data", tmp_path / "out")
    elsewhere()

    told = run("import_data", tmp_path / "out")

    assert picture() == before
    assert "is whole" in exported
    assert "Everything is here" in told
    assert {*Replica.objects.values_list("node", flat=True)} == {"left", "right"}
    assert [finding.text for finding in verify(deep=True)] == []


def test_people_go_on_as_before(filled, elsewhere, tmp_path):
    names = filled.alice.names()
    run("export_data", tmp_path / "out")
    elsewhere()
    run("import_data", tmp_path / "out")

    assert filled.alice.names() == names
    entry = Entry.objects.get(name="often.bin")
    assert len(filled.alice.download(str(entry.id))) == 50
    body = {"username": "bob", "password": PASSWORD, "name": "x"}
    assert filled.bob.post("/api/auth/token", body).status_code == 201
    assert "plan.txt" in filled.bob.names(str(Space.objects.get(name="Team").root))
    assert filled.bob.user.has_perm("files.view_entry")
    assert filled.bob.user.has_perm("files.change_upload")
    assert EmailAddress.objects.get(user=filled.bob.user).email == "bob@example.org"
    assert Authenticator.objects.get(user=filled.bob.user).data == {"seed": "sealed"}
    assert SocialAccount.objects.get(user=filled.bob.user).uid == "bob there"
    people = {user.username: user.pk for user in User.objects.all()}
    assert role_of(people["bob"]) == OrganisationRole.MEMBER
    assert role_of(people["gustav"]) == OrganisationRole.GUEST
    assert filled.alice.upload("new.txt", b"new")["file"]["name"] == "new.txt"


def test_nothing_lies_in_the_export_as_it_was_sent(filled, tmp_path):
    filled.alice.upload("secret.txt", b"what nobody else may read")

    run("export_data", tmp_path / "out")

    files = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert not any(b"nobody else may read" in file.read_bytes() for file in files)
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


def test_uploads_under_way_are_left_out_and_told(filled, elsewhere, tmp_path):
    filled.alice.register("under way.bin", b"never sent")

    told = run("export_data", tmp_path / "out")
    elsewhere()
    run("import_data", tmp_path / "out")

    assert "Left out: 1 uploads that are not finished." in told
    assert not Upload.objects.filter(state="open").exists()
    assert not Space.objects.exclude(reserved_bytes=0).exists()
    assert [finding.text for finding in verify()] == []


def test_rows_alone_go_to_another_database_over_the_same_nodes(filled, tmp_path):
    before = picture()
    run("export_data", tmp_path / "out", "--without-chunks")
    wipe()

    run("import_data", tmp_path / "out")

    assert picture() == before
    assert not (tmp_path / "out" / "chunks").exists()
    assert {*Node.objects.values_list("name", flat=True)} == {"main"}


def test_rows_alone_are_refused_without_their_nodes(filled, elsewhere, tmp_path):
    run("export_data", tmp_path / "out", "--without-chunks")
    elsewhere()

    with pytest.raises(CommandError, match="lacks the node main"):
        run("import_data", tmp_path / "out")
    assert not Import.objects.exists()


class TestExporting:
    def test_a_change_meanwhile_makes_no_export(self, filled, tmp_path, monkeypatch):
        def changing(*_args, **_options):
            Entry.objects.filter(name="often.bin").update(name="renamed.bin")
            return 0, 0

        monkeypatch.setattr("files.exchange.outgoing._chunks", changing)

        with pytest.raises(CommandError, match="changed meanwhile"):
            run("export_data", tmp_path / "out")
        with pytest.raises(CommandError, match="not finished"):
            run("import_data", tmp_path / "out")

    def test_a_damaged_chunk_makes_no_export_and_healed_it_goes_on(self, filled, tmp_path):
        chunk = Chunk.objects.get(size=CHUNK_SIZE)
        [file] = registry.nodes()["main"].config.place.rglob(f"{chunk.key}*")
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

        with pytest.raises(CommandError, match=chunk.key):
            run("export_data", tmp_path / "out")
        file.write_bytes(whole)

        assert "is whole" in run("export_data", tmp_path / "out")

    def test_a_second_export_into_the_same_directory_is_refused(self, filled, tmp_path):
        run("export_data", tmp_path / "out")

        with pytest.raises(CommandError, match="holds an export already"):
            run("export_data", tmp_path / "out")

    def test_somebodys_files_are_left_alone(self, shared_world, tmp_path):
        (tmp_path / "thesis.odt").write_text("mine")

        with pytest.raises(CommandError, match="is not empty"):
            run("export_data", tmp_path)
        assert [path.name for path in tmp_path.iterdir() if path.name != "chunks"] == ["thesis.odt"]

    def test_chunks_that_no_file_needs_stay_behind(self, filled, tmp_path):
        Chunk.objects.create(sha256="0" * 64, size=1, node="main", state="live")

        run("export_data", tmp_path / "out")

        needed = Extent.objects.values("chunk").distinct().count()
        assert manifest.load(tmp_path / "out").chunks == needed < Chunk.objects.count()

    def test_a_claim_that_a_dead_collector_left_is_not_taken_along(
        self, filled, elsewhere, tmp_path
    ):
        Chunk.objects.update(state=Chunk.State.CONDEMNED, token=Import.ONLY)
        run("export_data", tmp_path / "out")
        elsewhere()

        run("import_data", tmp_path / "out")

        assert {*Chunk.objects.values_list("state", "token")} == {("live", None)}


@pytest.fixture(scope="module")
def sound(django_db_setup, django_db_blocker, tmp_path_factory):
    """One export for all tests that damage it: filling an installation takes longest."""
    home = tmp_path_factory.mktemp("sound")
    with django_db_blocker.unblock(), node_in(home / "chunks"):
        fill(World())
        run("export_data", home / "out")
        wipe()
    return home / "out"


class TestRefusingAnExport:
    """Nothing is changed by any of these: they are found before the first row."""

    @pytest.fixture
    def out(self, sound, transactional_db, elsewhere, tmp_path):
        shutil.copytree(sound, tmp_path / "out")
        elsewhere()
        yield tmp_path / "out"
        assert not Entry.objects.exists()
        assert not is_unfinished()

    def refuse(self, out, why):
        with pytest.raises((CommandError, SettingError), match=why):
            run("import_data", out)

    def test_rows_cut_short(self, out):
        file = out / "rows" / "files.entry.jsonl"
        file.write_bytes(file.read_bytes()[:-40])

        self.refuse(out, "not as it was written")

    def test_rows_without_their_last_line(self, out):
        file = out / "rows" / "files.extent.jsonl"
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))

        self.refuse(out, "not as it was written")

    def test_rows_that_are_missing(self, out):
        (out / "rows" / "accounts.user.jsonl").unlink()

        self.refuse(out, r"accounts.user.jsonl can't be read")

    def test_a_chunk_that_is_missing(self, out):
        next((out / "chunks" / "objects").rglob("*.sealed")).unlink()

        self.refuse(out, "lacks chunk")

    def test_a_chunk_that_was_cut_short(self, out):
        with next((out / "chunks" / "objects").rglob("*.sealed")).open("r+b") as handle:
            handle.truncate(100)

        self.refuse(out, "lacks chunk")

    def test_no_chunks_at_all(self, out):
        (out / "chunks" / "rapidserve-node.json").unlink()

        self.refuse(out, "marker")

    def test_a_manifest_cut_short(self, out):
        file = out / manifest.NAME
        file.write_bytes(file.read_bytes()[:300])

        self.refuse(out, "is damaged")

    def test_no_manifest(self, out):
        (out / manifest.NAME).unlink()

        self.refuse(out, "not finished")

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"format": 2}, "format 2"),
            ({"parts": {}}, "another version"),
            ({"parts": []}, "is damaged"),
            ({"surplus": 1}, "is damaged"),
        ],
    )
    def test_a_manifest_of_something_else(self, out, change, why):
        file = out / manifest.NAME
        file.write_text(json.dumps(json.loads(file.read_text()) | change))

        self.refuse(out, why)


class TestImporting:
    def test_what_is_there_is_never_mixed_with_an_export(self, filled, tmp_path):
        before = picture()
        run("export_data", tmp_path / "out")

        with pytest.raises(CommandError, match="not empty"):
            run("import_data", tmp_path / "out")

        assert picture() == before
        assert not Import.objects.exists()

    def test_a_second_import_is_refused(self, filled, elsewhere, tmp_path):
        run("export_data", tmp_path / "out")
        elsewhere()
        run("import_data", tmp_path / "out")

        with pytest.raises(CommandError, match="imported here before"):
            run("import_data", tmp_path / "out")

    def test_broken_off_it_is_unfinished_and_goes_on(
        self, filled, elsewhere, tmp_path, monkeypatch
    ):
        before = picture()
        run("export_data", tmp_path / "out")
        elsewhere()
        monkeypatch.setattr(manifest, "PAGE", 3)
        whole = Rows.load

        def broken(self, page):
            if self.label == "files.extent" and Version.objects.exists():
                monkeypatch.setattr(Rows, "load", whole)
                raise OSError(28, "No space left on device")
            whole(self, page)

        monkeypatch.setattr(Rows, "load", broken)
        with pytest.raises(SettingError, match="No space left"):
            run("import_data", tmp_path / "out")

        assert is_unfinished()
        run("import_data", tmp_path / "out")
        assert not is_unfinished()
        assert picture() == before

    def test_a_chunk_with_other_content_stays_an_unfinished_import(
        self, filled, elsewhere, tmp_path
    ):
        run("export_data", tmp_path / "out")
        elsewhere()
        file = next((tmp_path / "out" / "chunks" / "objects").rglob("*.sealed"))
        file.write_bytes(file.read_bytes()[:-1] + b"?")

        with pytest.raises(CommandError, match="can't be copied"):
            run("import_data", tmp_path / "out")
        assert is_unfinished()

    def test_another_export_does_not_go_on_where_one_stopped(self, filled, elsewhere, tmp_path):
        run("export_data", tmp_path / "out")
        run("export_data", tmp_path / "other")
        elsewhere()
        digest = manifest.load(tmp_path / "other").digest
        Import.objects.create(id=Import.ONLY, digest=digest, started_at="2026-01-01T00:00Z")

        with pytest.raises(CommandError, match="Another export"):
            run("import_data", tmp_path / "out")

    def test_a_stranger_in_the_database_is_noticed(self, filled, elsewhere, tmp_path, monkeypatch):
        run("export_data", tmp_path / "out")
        elsewhere()
        whole = Rows.load

        def joined(self, page):
            whole(self, page)
            if self.label == "files.space":
                Group.objects.get_or_create(name="strangers")

        monkeypatch.setattr(Rows, "load", joined)

        with pytest.raises(CommandError, match="came out differently"):
            run("import_data", tmp_path / "out")
        assert is_unfinished()

    def test_without_the_master_key_of_the_source_it_says_which(
        self, filled, elsewhere, tmp_path, settings
    ):
        run("export_data", tmp_path / "out")
        elsewhere()
        [key] = settings.MASTER_KEYS
        other = type(key)("other", b"1" * 32)
        settings.MASTER_KEYS = (other,)

        with pytest.raises(CommandError, match=r"not in the ring: test.*RAPIDSERVE_MASTER_KEYS"):
            run("import_data", tmp_path / "out")
        settings.MASTER_KEYS = (other, key)
        registry.reset()
        run("import_data", tmp_path / "out")
        assert not is_unfinished()


def test_our_rows_refer_to_our_rows_only():
    """Else a database would number what they refer to as it likes, and an export could not say it:
    such a model needs a kind of its own, as groups have, and is told by name."""
    ours = [kind.model for kind in kinds(contents=False) if isinstance(kind, Rows)]
    referred = {
        field.related_model
        for model in ours
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey)
    }

    assert referred <= {*ours, Group, Permission}


def test_every_model_of_ours_is_exported_or_left_out_on_purpose():
    labels = {kind.label for kind in kinds(contents=False)}

    assert labels >= {"accounts.user", "accounts.apitoken", "files.entry", "files.epoch"}
    assert "files.import" not in labels
