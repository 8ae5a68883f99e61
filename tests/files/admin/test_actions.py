"""What can be done in the administration, by whom; and what can't, however it is asked."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils.html import strip_tags

from files.access.actor import Actor
from files.access.policy import permissions
from files.admin import shown, system
from files.content import reader
from files.content.verify import verify
from files.models import Change, Chunk, Entry, Extent, Node, Replica, Space, Upload, Version
from tests.files.admin.conftest import installation
from tests.files.api.answers import answered, refused

SCENE = installation
READ_ONLY = (Entry, Version, Extent, Chunk, Replica, Node, Upload, Change)


def address(model, kind="changelist", *arguments):
    return reverse(f"admin:files_{model._meta.model_name}_{kind}", args=arguments)


def do(client, action, *rows, **more):
    return client.post(
        address(type(rows[0])),
        {"action": action, "_selected_action": [str(row.pk) for row in rows], **more},
        follow=True,
    )


def text_of(response):
    return " ".join(response.content.decode().split())


def entry(name):
    return Entry.objects.get(name=name)


def damage():
    return [finding.text for finding in verify() if finding.is_damage]


class TestEntries:
    def test_are_trashed_and_restored_as_their_owner_would(self, full, as_owner, owner):
        file = entry("report.txt")

        said = do(as_owner, "move_to_trash", file)

        file.refresh_from_db()
        assert (file.live, file.trashed_by) == (False, owner)
        assert "1 moved to the trash." in text_of(said)
        line = Change.objects.filter(entry=file.id).order_by("-seq").first()
        assert (line.type, line.actor) == ("trashed", owner)
        refused(full.alice.get(f"/api/files/{file.id}"), 404, "not_found")

        do(as_owner, "restore", file)

        assert answered(full.alice.get(f"/api/files/{file.id}"))["name"] == "report.txt"
        assert damage() == []

    def test_are_acted_on_one_by_one_whatever_is_refused(self, full, as_owner):
        top = Entry.objects.get(id=full.alice.space.root)

        said = do(as_owner, "move_to_trash", top, entry("unloved.txt"), entry("old.txt"))

        assert "The top folder of a space can&#x27;t be trashed." in text_of(said)
        assert "1 moved to the trash." in text_of(said)
        top.refresh_from_db()
        assert top.live
        assert not entry("unloved.txt").live

    def test_are_acted_on_by_staff_that_may_change_them(self, full, as_keeper):
        do(as_keeper, "move_to_trash", entry("report.txt"))

        assert not entry("report.txt").live

    def test_are_not_by_staff_that_may_only_look(self, full, as_viewer):
        assert "move_to_trash" not in text_of(as_viewer.get(address(Entry)))

        do(as_viewer, "move_to_trash", entry("report.txt"))

        assert entry("report.txt").live

    def test_are_noted_in_the_history_of_the_administration(self, full, as_owner, owner):
        do(as_owner, "move_to_trash", entry("report.txt"))

        (noted,) = LogEntry.objects.filter(object_id=str(entry("report.txt").id))
        assert (noted.user, noted.change_message) == (owner, "moved to the trash")

    def test_too_many_at_once_are_refused(self, full, as_owner, monkeypatch):
        monkeypatch.setattr(shown, "MOST_AT_ONCE", 1)

        said = do(as_owner, "move_to_trash", entry("report.txt"), entry("unloved.txt"))

        assert "Choose at most 1 at once." in text_of(said)
        assert entry("report.txt").live

    def test_an_administrator_may_tidy_up_and_not_read(self, full, owner):
        held = permissions(Actor(owner, administers=True), entry("report.txt"))

        assert held == {"view", "edit"}

    def test_who_administers_sees_no_more_through_the_api(self, full, owner):
        assert permissions(Actor(owner), entry("report.txt")) == frozenset()


class TestUploads:
    def test_are_cancelled_and_give_their_room_back(self, full, as_owner):
        upload = Upload.objects.get(name="open.bin")
        held = full.alice.space.reserved_bytes

        said = do(as_owner, "cancel", upload)

        assert "1 cancelled." in text_of(said)
        assert full.alice.space.reserved_bytes == held - upload.reserved_bytes
        refused(full.alice.get(f"/api/upload/{upload.id}"), 410, "upload_gone")
        assert damage() == []

    def test_that_have_ended_are_left_alone(self, full, as_owner):
        upload = Upload.objects.filter(state="completed").first()

        said = do(as_owner, "cancel", upload)

        assert "This upload is completed." in text_of(said)
        upload.refresh_from_db()
        assert upload.state == "completed"

    def test_are_not_cancelled_by_staff_that_may_only_look(self, full, as_viewer):
        do(as_viewer, "cancel", Upload.objects.get(name="open.bin"))

        assert Upload.objects.get(name="open.bin").state == "open"


class TestTheQuota:
    def change(self, client, space, quota, **more):
        return client.post(address(Space, "change", space.id), {"quota": quota, **more})

    @pytest.mark.parametrize(
        ("typed", "quota"),
        [
            ("50 GB", 50 * 2**30),
            ("50GiB", 50 * 2**30),
            ("1.5 tb", 3 * 2**39),
            ("1000", 1000),
            ("1000 B", 1000),
            (" 0 ", 0),
            ("", None),
            ("9223372036854775807", 2**63 - 1),
        ],
    )
    def test_is_set_as_people_write_sizes(self, full, as_owner, typed, quota):
        space = full.alice.space

        assert self.change(as_owner, space, typed).status_code == 302

        assert full.alice.space.quota_bytes == quota

    @pytest.mark.parametrize(
        "typed",
        ["much", "-1", "5 XB", "1e9", "9223372036854775808", "9999 PB", "1,5", "\x00", "x" * 50],
    )
    def test_that_is_none_is_said_in_the_form(self, full, as_owner, typed):
        response = self.change(as_owner, full.alice.space, typed)

        assert response.status_code == 200
        assert "errorlist" in text_of(response)
        assert full.alice.space.quota_bytes is None

    def test_holds_at_once(self, full, as_owner):
        self.change(as_owner, full.alice.space, "10")

        refused(full.alice.register("more", b"more than ten bytes"), 507, "quota_exceeded")

    @pytest.mark.parametrize(
        ("quota", "shown_as"),
        [(12345, "12345"), (50 * 2**30, "50 GB"), (3 * 2**39, "1536 GB"), (0, "0"), (1024, "1 KB")],
    )
    def test_is_shown_so_that_saving_it_again_changes_nothing(
        self, full, as_owner, quota, shown_as
    ):
        Space.objects.filter(id=full.alice.space.id).update(quota_bytes=quota)

        page = text_of(as_owner.get(address(Space, "change", full.alice.space.id)))
        self.change(as_owner, full.alice.space, shown_as)

        assert f'value="{shown_as}"' in page
        assert full.alice.space.quota_bytes == quota

    def test_is_not_set_by_staff_that_may_only_look(self, full, as_viewer):
        page = text_of(as_viewer.get(address(Space, "change", full.alice.space.id)))
        assert 'name="quota"' not in page
        assert "no limit" in page

        assert self.change(as_viewer, full.alice.space, "10").status_code == 403
        assert full.alice.space.quota_bytes is None


class TestWhatHoldsTogether:
    def test_is_not_changed_by_posting_it(self, full, as_owner):
        for model in READ_ONLY:
            row = model.objects.first()
            before = model.objects.filter(pk=row.pk).values().get()
            fields = {field.name: "1" for field in model._meta.fields}

            response = as_owner.post(address(model, "change", row.pk), fields)

            assert response.status_code == 403
            assert model.objects.filter(pk=row.pk).values().get() == before

    def test_of_a_space_only_the_quota_is_changed(self, full, as_owner):
        space = full.alice.space
        before = Space.objects.filter(id=space.id).values().get()
        fields = {field.name: "1" for field in Space._meta.fields}

        as_owner.post(address(Space, "change", space.id), {**fields, "quota": "7"})

        after = Space.objects.filter(id=space.id).values().get()
        assert after == before | {"quota_bytes": 7}

    def test_is_not_deleted(self, full, as_owner):
        for model in (Space, *READ_ONLY):
            row = model.objects.first()

            refusal = as_owner.post(address(model, "delete", row.pk), {"post": "yes"})
            do(as_owner, "delete_selected", row, post="yes")

            assert refusal.status_code == 403
            assert model.objects.filter(pk=row.pk).exists()


class TestSecrets:
    def test_of_nodes_chunks_and_tokens_are_on_no_page(self, full, as_owner, settings):
        Chunk.objects.update(token="01890000-0000-7000-8000-00000000abcd")
        secrets = [
            str(settings.NODES).partition("file://")[2],
            "00000000abcd",
            settings.SECRET_KEY,
            *(token.digest for token in full.alice.user.tokens.all()),
            full.alice.user.password,
        ]
        pages = [as_owner.get("/admin/")]
        for model in (Space, *READ_ONLY):
            pages.append(as_owner.get(address(model)))
            pages += [as_owner.get(address(model, "change", row.pk)) for row in model.objects.all()]

        for page in pages:
            assert page.status_code == 200
            text = page.content.decode()
            assert [secret for secret in secrets if secret in text] == []
            assert "/d/" not in text


class TestTheFirstPage:
    def test_tells_how_much_there_is(self, full, as_owner):
        text = text_of(as_owner.get("/admin/"))

        figures = system.figures()
        assert (figures.files, figures.folders, figures.trashed) == (5, 1, 1)
        assert figures.logical == sum(Space.objects.values_list("used_bytes", flat=True))
        assert figures.on_node("main").count == Replica.objects.count()
        assert figures.uploads.count == 2
        assert "saved" in text
        assert "ready" in text

    def test_counts_what_is_shared_once(self, full):
        full.bob.upload("same", b"the first")
        system.figures.cache_clear()

        figures = system.figures()

        assert figures.saved >= len(b"the first")

    def test_is_made_in_a_bounded_number_of_queries_and_kept(
        self, full, as_owner, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(17):
            as_owner.get("/admin/")
        with django_assert_max_num_queries(7):
            as_owner.get("/admin/")

    def test_says_which_node_is_away(self, full, as_owner, tmp_path):
        (tmp_path / "chunks" / "rapidserve-node.json").unlink()

        assert "offline" in text_of(as_owner.get("/admin/"))
        assert "offline" in text_of(as_owner.get(address(Node)))

    def test_tells_how_often_the_cache_had_it(self, full, as_owner):
        text = " ".join(strip_tags(text_of(as_owner.get("/admin/"))).split())

        for each in reader.hits():
            assert f"{each.kind} {each.level} {each.asked}" in text

    def test_keeps_the_figures_from_staff_that_may_not_see_nodes(self, full, as_staff):
        assert "Size of all versions" not in text_of(as_staff.get("/admin/"))


def test_a_person_leads_to_what_is_theirs(full, as_owner):
    page = as_owner.get(f"/admin/accounts/user/{full.alice.user.id}/change/")

    text = page.content.decode()
    for link in (
        f"/admin/files/space/?owner={full.alice.user.id}",
        f"/admin/files/upload/?actor={full.alice.user.id}",
        f"/admin/files/change/?actor={full.alice.user.id}",
        "/admin/accounts/apitoken/?q=alice",
    ):
        assert link in text
    assert as_owner.get("/admin/accounts/user/add/").status_code == 200
