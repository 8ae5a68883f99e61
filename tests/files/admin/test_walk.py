"""Every page of the administration, as everybody: who gets where, and nothing breaks."""

import re
from functools import partial
from html import unescape
from urllib.parse import quote, urlencode

import pytest
from django.contrib import admin
from django.db import connection
from django.forms import ModelChoiceField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actions import make_token
from accounts.admin import CarefulAdmin
from accounts.models import ApiToken
from files.models import Change, Chunk, Entry, Extent, Replica, Space, Upload, Version
from files.names import keys_of
from rapidserve.db import new_id
from tests.engines.plans import plans_of
from tests.files.admin.conftest import client_of, installation

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = [model for model in MODELS if model._meta.app_label == "files"]
SCENE = installation
UNKNOWN = "01890000-0000-7000-8000-000000000000"
ODD_KEYS = ("abc", "\x00", "a\x00b", "9" * 40, "-1", "x" * 3000, f"{UNKNOWN},{UNKNOWN}", "1e3")


def page(model, kind, *arguments):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=arguments)


def pages_of(model):
    """(kind, address) of every page of a model; a row of it if there is one."""
    row = model._default_manager.first()
    some = row.pk if row else UNKNOWN
    yield "changelist", page(model, "changelist")
    yield "add", page(model, "add")
    for kind in ("change", "delete", "history"):
        yield kind, page(model, kind, some)


def statuses(client, model):
    return {kind: client.get(address).status_code for kind, address in pages_of(model)}


def filters_of(model):
    """The names that a list's own filters have in its address."""
    for given in admin.site._registry[model].list_filter:
        field = given[0] if isinstance(given, tuple) else given
        yield field if isinstance(field, str) else field.parameter_name
        if isinstance(field, str):
            yield f"{field}__exact"


def choices_of(response):
    """The names of the fields of a form in which rows are chosen."""
    form = response.context["adminform"].form if response.status_code == 200 else None
    fields = form.fields if form else {}
    return [name for name, field in fields.items() if isinstance(field, ModelChoiceField)]


def links_on(response):
    return [unescape(link) for link in re.findall(r'href="([^"]+)"', response.content.decode())]


def test_everything_that_is_stored_has_a_page():
    assert {model.__name__ for model in OURS} == {
        "AuditLine",
        "Change",
        "Chunk",
        "Entry",
        "Extent",
        "GroupGrant",
        "Link",
        "Node",
        "Replica",
        "Space",
        "Upload",
        "UserGrant",
        "Version",
        "Visit",
    }


def test_every_page_is_careful():
    """All of the rest is true of those that have our base."""
    registered = admin.site._registry
    assert [model for model in MODELS if not isinstance(registered[model], CarefulAdmin)] == []


def test_the_scene_has_a_row_of_everything(full):
    assert [model.__name__ for model in OURS if not model._default_manager.exists()] == []


class TestWhoGetsWhere:
    def test_a_superuser_looks_at_everything_and_neither_adds_nor_deletes(self, full, as_owner):
        allowed = {"changelist": 200, "add": 403, "change": 200, "delete": 403, "history": 200}

        assert {model: statuses(as_owner, model) for model in OURS} == dict.fromkeys(OURS, allowed)

    def test_so_does_staff_with_the_right_to_look(self, full, as_viewer):
        allowed = {"changelist": 200, "add": 403, "change": 200, "delete": 403, "history": 200}

        assert {model: statuses(as_viewer, model) for model in OURS} == dict.fromkeys(OURS, allowed)

    def test_staff_without_rights_is_refused(self, full, as_staff):
        for model in MODELS:
            assert set(statuses(as_staff, model).values()) == {403}, model

    def test_others_are_sent_to_sign_in(self, full):
        for client in (Client(), client_of(full.alice.user)):
            for model in MODELS:
                for _, address in pages_of(model):
                    response = client.get(address)
                    assert response.status_code == 302
                    assert response["Location"].startswith("/admin/login/")

    def test_a_token_opens_nothing(self, full, owner):
        text = make_token(user=owner, name="program").text

        response = Client().get("/admin/", headers={"Authorization": f"Bearer {text}"})

        assert response["Location"].startswith("/admin/login/")


class TestNothingBreaks:
    TEXTS = (
        "a",
        "\x00",
        "a\x00b",
        "'\"; DROP TABLE--",
        "%_\\",
        "x" * 5000,
        "é\u0301\u202e",
        "\U0001f600",
        "-1",
        "0" * 64,
        UNKNOWN,
        UNKNOWN.replace("-", ""),
        "{",
        "   ",
        "1e999",
        "\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    )

    def test_whatever_is_searched_for(self, full, as_owner):
        for model in MODELS:
            for text in self.TEXTS:
                response = as_owner.get(page(model, "changelist"), {"q": text}, follow=True)
                assert response.status_code == 200, (model, text)

    def test_whatever_id_is_asked_for(self, full, as_owner):
        for model in MODELS:
            for odd in ("nonsense", "1", UNKNOWN, "_00", "%00", "x" * 3000, "..%2f", "'"):
                for kind in ("change", "delete", "history"):
                    address = page(model, kind, "ID").replace("ID", odd)
                    response = as_owner.get(address)
                    assert response.status_code in {200, 302, 403, 404}, address

    def test_whatever_rows_an_action_is_asked_for(self, full, as_owner):
        for model in MODELS:
            for action in (*admin.site._registry[model].actions, "delete_selected"):
                for chosen in (ODD_KEYS, [""]):
                    asked = {"action": action, "_selected_action": chosen, "post": "yes"}
                    answer = as_owner.post(page(model, "changelist"), asked)
                    assert answer.status_code in {200, 302}, (model, action, chosen)

    def test_what_is_asked_of_a_row_beside_what_is_none_is_done(self, full, as_owner):
        entry = Entry.objects.get(name="report.txt")

        as_owner.post(
            page(Entry, "changelist"),
            {"action": "move_to_trash", "_selected_action": [*ODD_KEYS, str(entry.pk)]},
        )

        entry.refresh_from_db()
        assert not entry.live

    def test_whatever_rows_a_form_is_given(self, full, as_owner):
        fields = {
            (address, name)
            for model in MODELS
            for kind, address in pages_of(model)
            if kind in {"add", "change"}
            for name in choices_of(as_owner.get(address))
        }
        assert {name for _, name in fields} == {"groups", "permissions", "user", "user_permissions"}
        for address, name in fields:
            for keys in (*ODD_KEYS, ODD_KEYS):
                answer = as_owner.post(address, {name: keys})
                assert answer.status_code == 200, (address, name, keys)
                assert name in answer.context["adminform"].form.errors

    def test_two_rows_where_one_is_chosen(self, full, as_owner):
        two = [str(full.alice.user.pk), str(full.bob.user.pk)]

        for chosen in (two, ",".join(two)):
            answer = as_owner.post("/admin/account/emailaddress/add/", {"user": chosen})
            assert answer.status_code == 200, chosen

    @pytest.mark.parametrize("odd", [*ODD_KEYS, ""])
    def test_whatever_the_other_addresses_are_given(self, full, as_owner, odd):
        searched = "app_label", "model_name", "field_name"
        asked = [
            ("/admin/autocomplete/", dict(zip(searched, of, strict=True)) | {name: odd})
            for of in (("account", "emailaddress", "user"), ("files", "version", "entry"))
            for name in (*searched, "term", "page")
        ]
        asked.append((f"/admin/r/{quote(odd or 'x')}/{quote(odd or 'x')}/", {}))
        for address, given in asked:
            answer = as_owner.get(address, given)
            assert answer.status_code in {200, 403, 404}, (address, given)

    def test_whatever_filter_is_chosen(self, full, as_owner):
        for model in MODELS:
            start = page(model, "changelist")
            for link in links_on(as_owner.get(start)):
                if link.startswith("?"):
                    assert as_owner.get(start + link).status_code == 200, (model, link)

    def test_whatever_a_filter_is_given(self, full, as_owner):
        anywhere = ("created_at__year", "p", "o", "all", "e", "no_such_field")
        for model in MODELS:
            for name in (*filters_of(model), *anywhere):
                for value in ("nonsense", "\x00", "9" * 40):
                    address = f"{page(model, 'changelist')}?{urlencode({name: value})}"
                    response = as_owner.get(address, follow=True)
                    assert response.status_code in {200, 400}, address

    def test_nobody_filters_by_what_is_not_shown(self, full, as_owner):
        guess = page(Space, "changelist") + "?owner__password__startswith=md5"

        assert as_owner.get(guess).status_code == 400

    def test_nor_by_any_field_that_is_not_offered(self, full, as_owner):
        """The key of a session or the password of a link would be found letter by letter."""
        for model in MODELS:
            by_date = admin.site._registry[model].date_hierarchy
            for field in {field.name for field in model._meta.concrete_fields} - {by_date}:
                guess = {f"{field}__startswith": "a"}
                answer = as_owner.get(page(model, "changelist"), guess)
                assert answer.status_code in {302, 400}, (model, field)

    @pytest.mark.parametrize("lookup", ["contains", "isnull", "x__gt"])
    def test_nor_by_anything_that_a_field_knows(self, full, as_owner, lookup):
        for model in MODELS:
            offered = {*filters_of(model), admin.site._registry[model].date_hierarchy}
            for field in {field.name for field in model._meta.get_fields()} - offered:
                guess = {f"{field}__{lookup}": "x"}
                answer = as_owner.get(page(model, "changelist"), guess)
                assert answer.status_code in {302, 400}, (model, field)

    def test_whatever_link_is_followed(self, full, as_owner):
        seen = set()
        for model in OURS:
            addresses = [page(model, "changelist")]
            addresses += [page(model, "change", row.pk) for row in model._default_manager.all()[:2]]
            for address in addresses:
                seen |= {
                    link
                    for link in links_on(as_owner.get(address))
                    if link.startswith(("/admin/files", "/admin/accounts"))
                }
        for link in seen:
            assert as_owner.get(link, follow=True).status_code in {200, 403}, link

    def test_what_a_link_of_a_row_shows_belongs_to_it(self, full, as_owner):
        space = full.alice.space
        shown = as_owner.get(page(Entry, "changelist"), {"space": space.id})

        assert "report.txt" in shown.content.decode()
        other = Space.objects.get(kind="team")
        assert (
            "report.txt"
            not in as_owner.get(page(Entry, "changelist"), {"space": other.id}).content.decode()
        )


class TestSearches:
    @pytest.mark.parametrize(
        ("model", "term"),
        [
            (Space, lambda _: "TEAM"),
            (Space, lambda _: "ali"),
            (Space, lambda w: str(w.alice.space.id)),
            (Entry, lambda _: "Réport"),
            (Entry, lambda _: str(Entry.objects.get(name="report.txt").id)),
            (Entry, lambda _: Entry.objects.get(name="report.txt").content_hash.upper()),
            (Version, lambda _: Version.objects.first().content_hash),
            (Version, lambda _: str(Version.objects.first().id)),
            (Extent, lambda _: str(Extent.objects.first().version_id)),
            (Chunk, lambda _: Chunk.objects.first().sha256),
            (Chunk, lambda _: Chunk.objects.first().key),
            (Replica, lambda _: Replica.objects.first().chunk.key),
            (Upload, lambda _: "OPEN"),
            (Upload, lambda _: "Alice"),
            (Upload, lambda _: str(Upload.objects.first().id)),
            (Change, lambda w: str(w.alice.space.root)),
            (ApiToken, lambda _: "alice"),
        ],
    )
    def test_find_by_what_an_operator_has_at_hand(self, full, as_owner, model, term):
        response = as_owner.get(page(model, "changelist"), {"q": f" {term(full)} "})

        assert response.context["cl"].result_count > 0
        assert "nothing like it" not in response.content.decode()

    def test_find_nothing_for_nonsense(self, full, as_owner):
        for model in OURS:
            response = as_owner.get(page(model, "changelist"), {"q": "nothing like it"})
            assert response.context["cl"].result_count == 0, model


def many(full, count):
    """So many more rows of everything that grows, each with its own neighbours."""
    alice, now = full.alice, timezone.now()
    spaces = Space.objects.bulk_create(
        Space(name="S", name_key=f"s{new_id()}", kind="team", owner=alice.user, root=new_id())
        for _ in range(count)
    )
    people = {"created_by": alice.user, "modified_by": alice.user}
    entries = Entry.objects.bulk_create(
        Entry(
            space=space,
            type="file",
            parent_id=alice.space.root,
            **keys_of(f"f{space.id}"),
            created_at=now,
            modified_at=now,
            **people,
        )
        for space in spaces
    )
    versions = Version.objects.bulk_create(
        Version(
            entry=entry,
            space_id=entry.space_id,
            state="committed",
            number=1,
            size=1,
            content_type="a/b",
            created_at=now,
            created_by=alice.user,
        )
        for entry in entries
    )
    chunks = Chunk.objects.bulk_create(
        Chunk(sha256=f"{n:064}", size=1, state="live", node="main") for n in range(count)
    )
    Replica.objects.bulk_create(
        Replica(chunk=chunk, node="main", verified_at=now, verified_how="hashed")
        for chunk in chunks
    )
    Extent.objects.bulk_create(
        Extent(version=v, index=0, chunk=c, length=1, sha256=c.sha256, space_id=v.space_id)
        for v, c in zip(versions, chunks, strict=True)
    )
    Upload.objects.bulk_create(
        Upload(
            space=space,
            parent_id=alice.space.root,
            entry_id=new_id(),
            name="u",
            name_key="u",
            on_conflict="fail",
            actor=alice.user,
            size=1,
            reserved_bytes=1,
            expires_at=now,
        )
        for space in spaces
    )
    Change.objects.bulk_create(
        Change(space=e.space, seq=1, type="created", entry=e.id, name="n", actor=alice.user, at=now)
        for e in entries
    )
    for number in range(count):
        make_token(user=alice.user, name=f"t{number}")


def queries_of(client, addresses):
    """How many each of these pages makes, once what is kept for a while is kept."""
    counts = {}
    for address in addresses:
        client.get(address)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        counts[address] = len(seen)
    return counts


class TestQueries:
    def test_do_not_grow_with_the_rows(self, full, as_owner):
        many(full, 10)
        addresses = [page(model, "changelist") for model in MODELS]
        addresses += [
            page(model, "change", row.pk)
            for model in MODELS
            for row in model._default_manager.all()[:1]
        ]
        few = queries_of(as_owner, addresses)
        many(full, 90)

        assert queries_of(as_owner, addresses) == few
        assert max(few.values()) <= 15

    def test_of_a_search_do_not_count_what_was_not_asked_for(self, full, as_owner):
        look = partial(as_owner.get, page(Chunk, "changelist"), {"q": "0" * 64})

        plans = plans_of(look, "files_chunk")

        counts = [plan for plan in plans if "COUNT(*)" in plan.query or "__count" in plan.query]
        assert all(plan.is_limited for plan in counts)

    @pytest.mark.parametrize("model", [Entry, Version, Extent, Chunk, Replica, Change])
    def test_of_a_large_table_read_one_page_of_it(self, full, as_owner, model):
        many(full, 60)
        look = partial(as_owner.get, page(model, "changelist"))

        for plan in plans_of(look, model._meta.db_table):
            assert plan.is_limited, plan
            assert not plan.sorts, plan


def test_a_list_says_when_it_shows_only_the_first_rows(full, as_owner, monkeypatch):
    monkeypatch.setattr("files.admin.shown.MOST_COUNTED", 3)

    text = as_owner.get(page(Change, "changelist")).content.decode()

    assert "The first 3 changes. Search or filter to see others." in " ".join(text.split())
