"""Roles in the organisation: what each allows, how they are given, and what no way leads to."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command

from accounts import actions, policy
from accounts.models import User
from accounts.organisation import PERMISSIONS, Ability, OrganisationRole
from accounts.receivers import keep_roles_in_step
from files.models import AuditLine
from rapidserve.db import run_atomic
from rapidserve.errors import Conflict, PermissionDenied
from tests.accounts.conftest import PASSWORD

ADMIN, AUDITOR, MEMBER, GUEST = OrganisationRole

pytestmark = pytest.mark.django_db


def person(role, name="dora"):
    return actions.create_user(username=name, password=PASSWORD, role=role)


def roles_in_groups(user):
    return [group.name for group in user.groups.all() if group.name in set(OrganisationRole)]


def migrated():
    keep_roles_in_step(sender=apps.get_app_config("files"))


class TestTheFourGroups:
    def test_are_there_with_just_what_the_table_says(self):
        for role in OrganisationRole:
            given = Group.objects.get(name=role).permissions.select_related("content_type")
            names = {f"{each.content_type.app_label}.{each.codename}" for each in given}

            assert names == PERMISSIONS[role], role

    def test_let_auditors_look_at_every_page_of_the_administration(self):
        shown = {
            f"{model._meta.app_label}.view_{model._meta.model_name}"
            for model in admin.site._registry
        }

        assert shown <= PERMISSIONS[AUDITOR] <= PERMISSIONS[ADMIN]

    def test_allow_again_what_the_table_says_after_a_migrate(self):
        group = Group.objects.get(name=GUEST)
        group.permissions.set([Permission.objects.get(codename="change_user")])

        migrated()

        assert not group.permissions.exists()

    @pytest.mark.parametrize("role", OrganisationRole)
    def test_are_not_renamed_or_deleted(self, role):
        group = Group.objects.get(name=role)
        group.name = "others"

        for act in (group.save, group.delete):
            with pytest.raises(Conflict) as refused:
                run_atomic(act)
            assert refused.value.code == "is_role"
        assert Group.objects.filter(name=role).exists()

    def test_take_nobody_in_by_the_side_door(self, bob):
        admins, members = (Group.objects.get(name=role) for role in (ADMIN, MEMBER))

        for act in (
            lambda: bob.groups.add(admins),
            lambda: admins.user_set.add(bob),
            lambda: bob.groups.remove(members),
            lambda: bob.groups.set([]),
            bob.groups.clear,
            members.user_set.clear,
        ):
            with pytest.raises(Conflict):
                run_atomic(act)

        assert roles_in_groups(bob) == [MEMBER]


class TestUpgrading:
    def test_makes_members_of_those_without_a_role_once(self, bob, owner):
        policy.memberships().all().delete()

        migrated()
        migrated()

        assert roles_in_groups(bob) == roles_in_groups(owner) == [MEMBER]
        owner.refresh_from_db()
        assert owner.is_superuser
        assert owner.is_staff

    def test_leaves_the_roles_that_were_given(self):
        dora = person(AUDITOR)

        migrated()

        assert roles_in_groups(dora) == [AUDITOR]

    def test_sets_older_groups_of_these_names_aside_with_their_members(self, bob, alice):
        older = Group.objects.create(name="older")
        older.user_set.add(bob)
        Group.objects.filter(name=ADMIN).update(name="the role")  # as if there were none yet
        Group.objects.filter(pk=older.pk).update(name=ADMIN)
        Group.objects.create(name="admin (group)")

        import_module("accounts.migrations.0003_organisation_roles").set_aside(apps, None)

        older.refresh_from_db()
        assert older.name == "admin (group 2)"
        assert older.user_set.get() == bob

    def test_does_nothing_before_the_last_of_the_apps(self):
        Group.objects.get(name=MEMBER).permissions.clear()

        keep_roles_in_step(sender=apps.get_app_config("accounts"))

        assert not Group.objects.get(name=MEMBER).permissions.exists()


class TestNewPeople:
    def test_are_members_unless_told_otherwise(self, alice, owner):
        assert [policy.role_of(user.id) for user in (alice, owner)] == [MEMBER, MEMBER]

    @pytest.mark.parametrize("role", OrganisationRole)
    def test_of_each_role_are_made_at_the_command_line(self, role):
        call_command("create_user", "dora", role=role.value, generate=True)

        dora = User.objects.get(username="dora")
        assert roles_in_groups(dora) == [role]
        assert dora.is_staff == (role in {ADMIN, AUDITOR})

    def test_of_a_role_that_there_is_not_are_refused(self):
        with pytest.raises(CommandError):
            call_command("create_user", "dora", "--role", "king", "--generate")


class TestAbilities:
    @pytest.mark.parametrize("role", OrganisationRole)
    @pytest.mark.parametrize("ability", Ability)
    def test_all_but_guests_have_them(self, role, ability):
        assert policy.may(person(role), ability) == (role != GUEST)

    def test_of_an_owner_are_all_whatever_the_role(self, owner):
        actions.set_organisation_role(user=owner, role=GUEST)

        assert policy.abilities(owner) == set(Ability)
        owner.refresh_from_db()
        assert owner.is_staff

    @pytest.mark.parametrize("role", OrganisationRole)
    def test_are_permissions_like_any_other(self, role):
        dora = person(role)

        assert policy.abilities(dora) == {each for each in Ability if dora.has_perm(each)}

    def test_can_be_given_to_one_guest_alone(self):
        dora = person(GUEST)
        dora.user_permissions.add(Permission.objects.get(codename="find_people"))

        assert policy.abilities(dora) == {Ability.FIND_PEOPLE}

    def test_of_the_deactivated_are_none(self, alice):
        actions.deactivate_user(user=alice)

        assert policy.abilities(alice) == set()

    def test_end_at_once_for_somebody_asked_before(self, alice):
        assert policy.may(alice, Ability.SHARE)

        actions.set_organisation_role(user=alice, role=GUEST)

        assert not policy.may(alice, Ability.SHARE)


class TestGivingARole:
    @pytest.mark.parametrize("before", OrganisationRole)
    @pytest.mark.parametrize("after", OrganisationRole)
    def test_puts_it_in_place_of_the_one_before(self, before, after):
        dora = person(before)

        actions.set_organisation_role(user=dora, role=after)

        dora.refresh_from_db()
        assert roles_in_groups(dora) == [after]
        assert dora.is_staff == (after in {ADMIN, AUDITOR})

    def test_is_told_in_the_audit_log_once(self, alice, owner):
        for _ in range(2):
            actions.set_organisation_role(user=alice, role=GUEST, by=owner)

        line = AuditLine.objects.get(action="role_set")
        assert (line.actor, line.entry) == (owner.id, alice.id)
        assert line.details == {"before": "member", "after": "guest"}

    def test_gives_one_to_who_has_none(self, alice):
        policy.memberships().filter(user_id=alice.id).delete()

        actions.set_organisation_role(user=alice, role=GUEST)

        assert roles_in_groups(alice) == [GUEST]

    @pytest.mark.parametrize("role", [AUDITOR, MEMBER, GUEST])
    def test_is_for_owners_and_admins(self, role, bob):
        with pytest.raises(PermissionDenied):
            actions.set_organisation_role(user=bob, role=GUEST, by=person(role))

        assert policy.role_of(bob.id) == MEMBER

    def test_admins_make_no_admins(self, bob):
        dora, new = person(ADMIN), User(username="eve", password="!")

        with pytest.raises(PermissionDenied):
            actions.set_organisation_role(user=bob, role=ADMIN, by=dora)
        with pytest.raises(PermissionDenied):
            actions.add_user(user=new, role=ADMIN, by=dora)

        assert policy.role_of(bob.id) == MEMBER
        assert not User.objects.filter(username="eve").exists()

    def test_admins_leave_admins_and_owners_alone(self, owner):
        dora, other = person(ADMIN), person(ADMIN, "eric")

        for untouchable in (owner, other, dora):
            for act in (
                lambda user: actions.set_organisation_role(user=user, role=GUEST, by=dora),
                lambda user: actions.deactivate_user(user=user, by=dora),
                lambda user: actions.reactivate_user(user=user, by=dora),
                lambda user: actions.set_owner(user=user, is_owner=True, by=dora),
            ):
                with pytest.raises(PermissionDenied):
                    act(untouchable)

    def test_counts_what_the_one_who_gives_is_now(self, bob):
        dora = person(ADMIN)
        assert dora.has_perm("accounts.change_user")  # Django remembers it
        actions.set_organisation_role(user=User.objects.get(id=dora.id), role=MEMBER)

        with pytest.raises(PermissionDenied):
            actions.set_organisation_role(user=bob, role=GUEST, by=dora)


class TestOwners:
    def test_make_owners_and_unmake_them(self, owner, bob):
        actions.set_owner(user=bob, is_owner=True, by=owner)
        bob.refresh_from_db()
        assert bob.is_superuser
        assert bob.is_staff

        actions.set_owner(user=owner, is_owner=False, by=bob)
        owner.refresh_from_db()
        assert not owner.is_superuser
        assert not owner.is_staff

    def test_the_last_one_stays(self, owner, bob):
        actions.set_owner(user=bob, is_owner=True)
        actions.deactivate_user(user=bob)

        for act in (
            lambda: actions.set_owner(user=owner, is_owner=False),
            lambda: actions.deactivate_user(user=owner),
        ):
            with pytest.raises(Conflict) as refused:
                act()
            assert refused.value.code == "last_owner"
        owner.refresh_from_db()
        assert owner.is_superuser
        assert owner.is_active


def test_people_are_told_their_own_role(client):
    dora = person(AUDITOR)
    client.force_login(dora)

    told = client.get("/api/auth/me").json()

    assert (told["organisation_role"], told["is_staff"]) == ("auditor", True)


@pytest.mark.parametrize("role", OrganisationRole)
@pytest.mark.parametrize("path", ["/api/users?q=al", "/api/groups?q=me"])
def test_guests_find_nobody(client, alice, role, path):
    client.force_login(person(role))

    answer = client.get(path)

    if role == GUEST:
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "permission_denied"
    else:
        assert len(answer.json()["results"]) == 1
