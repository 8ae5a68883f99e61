"""Groups: their names, and who may change what."""

import pytest
from django.contrib.auth.models import Group, Permission

from accounts import groups
from accounts.actions import set_organisation_role
from accounts.models import User
from accounts.organisation import OrganisationRole, is_role
from accounts.policy import role_of
from rapidserve.errors import Conflict, Invalid, NotFound, PermissionDenied

pytestmark = pytest.mark.django_db


@pytest.fixture
def editors(owner):
    return groups.make_group(name="Editors", by=owner)


def may(user, *rights):
    """The person with these permissions, and nothing remembered of before."""
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return User.objects.get(id=user.id)


def made():
    """The names of the groups that somebody made."""
    names = Group.objects.order_by("name").values_list("name", flat=True)
    return [name for name in names if not is_role(name)]


class TestNames:
    def test_are_kept_composed_and_without_what_stands_around_them(self, owner):
        assert groups.make_group(name="  Caf\u0065\u0301 2 ", by=owner).name == "Caf\u00e9 2"

    @pytest.mark.parametrize("name", ["", "   ", "x" * 151, "a\x00b", "a\nb", "a\u202eb", "\ud800"])
    def test_that_cannot_be_seen_are_refused(self, owner, editors, name):
        with pytest.raises(Invalid) as refused:
            groups.make_group(name=name, by=owner)
        with pytest.raises(Invalid):
            groups.rename_group(group=editors, name=name, by=owner)

        assert (refused.value.code, refused.value.field) == ("name_invalid", "name")
        assert made() == ["Editors"]

    @pytest.mark.parametrize("name", ["Editors", "EDITORS", " editors", "ｅditors", "Guest"])
    def test_are_taken_whatever_their_case(self, owner, editors, name):
        other = groups.make_group(name="Other", by=owner)

        with pytest.raises(Conflict) as refused:
            groups.make_group(name=name, by=owner)
        with pytest.raises(Conflict):
            groups.rename_group(group=other, name=name, by=owner)

        assert refused.value.code == "name_taken"
        assert made() == ["Editors", "Other"]

    def test_may_change_their_own_case(self, owner, editors):
        groups.rename_group(group=editors, name="EDITORS", by=owner)

        assert made() == ["EDITORS"]


class TestMembers:
    def test_come_and_go(self, owner, editors, bob):
        groups.add_member(group=editors, user=bob, by=owner)
        groups.add_member(group=editors, user=bob, by=owner)
        assert groups.members_of(editors, after=None, limit=9) == [bob]

        groups.remove_member(group=editors, user=bob, by=owner)
        assert groups.member_count(editors) == 0
        with pytest.raises(NotFound):
            groups.remove_member(group=editors, user=bob, by=owner)

    def test_are_listed_in_pages(self, owner, editors, alice, bob):
        for user in (owner, bob, alice):
            groups.add_member(group=editors, user=user, by=owner)

        assert groups.members_of(editors, after=None, limit=2) == [alice, bob]
        assert groups.members_of(editors, after="bob", limit=2) == [owner]

    def test_nobody_enters_a_group_that_is_gone(self, owner, editors, bob):
        groups.delete_group(group=Group.objects.get(name="Editors"), by=owner)

        for change in (
            lambda: groups.add_member(group=editors, user=bob, by=owner),
            lambda: groups.remove_member(group=editors, user=bob, by=owner),
            lambda: groups.rename_group(group=editors, name="n", by=owner),
            lambda: groups.delete_group(group=editors, by=owner),
        ):
            with pytest.raises(NotFound):
                change()
        assert [group.name for group in bob.groups.all()] == [OrganisationRole.MEMBER]


class TestWhoMay:
    def test_each_change_takes_its_own_right(self, editors, alice, bob):
        changes = {
            "add_group": lambda by: groups.make_group(name="n", by=by),
            "change_group": lambda by: groups.add_member(group=editors, user=bob, by=by),
            "delete_group": lambda by: groups.delete_group(group=editors, by=by),
        }
        for right, change in changes.items():
            with pytest.raises(PermissionDenied):
                change(may(alice, *(set(changes) - {right})))
            change(may(alice, right))

    def test_a_member_sees_the_group_and_changes_nothing(self, owner, editors, alice, bob):
        groups.make_group(name="Others", by=owner)
        groups.add_member(group=editors, user=bob, by=owner)

        assert groups.visible_groups(bob, after=None, limit=9) == [editors]
        assert groups.group_for(bob, editors.pk) == editors
        with pytest.raises(PermissionDenied):
            groups.group_for(bob, editors.pk, "change")
        with pytest.raises(PermissionDenied):
            groups.add_member(group=editors, user=alice, by=bob)
        for key in (editors.pk, None):
            with pytest.raises(NotFound):
                groups.group_for(alice, key)

    def test_who_may_look_at_groups_sees_all_and_changes_none(self, editors, alice, bob):
        looking = may(alice, "view_group")

        assert groups.visible_groups(looking, after=None, limit=9) == [editors]
        assert groups.group_for(looking, editors.pk) == editors
        with pytest.raises(PermissionDenied):
            groups.add_member(group=editors, user=bob, by=looking)

    def test_one_that_allows_something_is_for_owners(self, owner, editors, alice, bob):
        """Whoever chose its members could make others of his kind, or himself."""
        editors.permissions.set(Permission.objects.filter(codename="change_user"))
        groups.add_member(group=editors, user=bob, by=owner)
        keeper = may(alice, "change_group", "delete_group")

        for change in (
            lambda: groups.add_member(group=editors, user=alice, by=keeper),
            lambda: groups.remove_member(group=editors, user=bob, by=keeper),
            lambda: groups.rename_group(group=editors, name="n", by=keeper),
            lambda: groups.delete_group(group=editors, by=keeper),
        ):
            with pytest.raises(PermissionDenied):
                change()
        assert groups.members_of(editors, after=None, limit=9) == [bob]

    def test_a_guest_does_not_see_who_else_is_in_it(self, owner, editors, bob):
        groups.add_member(group=editors, user=bob, by=owner)
        set_organisation_role(user=bob, role=OrganisationRole.GUEST)

        assert groups.visible_groups(bob, after=None, limit=9) == [editors]
        with pytest.raises(PermissionDenied):
            groups.group_for(bob, editors.pk)


@pytest.mark.parametrize("role", OrganisationRole)
class TestTheRoles:
    def test_are_fixed_for_everybody(self, role, owner, bob):
        group, held = Group.objects.get(name=role), Group.objects.get(name=role_of(bob.id))

        for change in (
            lambda: groups.add_member(group=group, user=bob, by=owner),
            lambda: groups.remove_member(group=held, user=bob, by=owner),
            lambda: groups.rename_group(group=group, name="n", by=owner),
            lambda: groups.delete_group(group=group, by=owner),
        ):
            with pytest.raises(Conflict) as refused:
                change()
            assert refused.value.code == "is_role"

        assert groups.is_fixed(group)
        assert role_of(bob.id) == OrganisationRole.MEMBER

    def test_are_no_groups_to_those_who_are_in_them_nor_to_who_sees_all(self, role, owner, bob):
        set_organisation_role(user=bob, role=role)
        key = Group.objects.get(name=role).pk

        for user in (bob, owner):
            assert groups.visible_groups(user, after=None, limit=9) == []
            with pytest.raises(NotFound):
                groups.group_for(user, key)
