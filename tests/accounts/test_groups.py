"""Groups: their names, and who may change what."""

import pytest
from django.contrib.auth.models import Group, Permission

from accounts import groups
from accounts.models import User
from rapidserve.errors import Conflict, Invalid, NotFound, PermissionDenied

pytestmark = pytest.mark.django_db


@pytest.fixture
def editors(owner):
    return groups.make_group(name="Editors", by=owner)


def may(user, *rights):
    """The person with these permissions, and nothing remembered of before."""
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return User.objects.get(id=user.id)


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
        assert [group.name for group in Group.objects.all()] == ["Editors"]

    @pytest.mark.parametrize("name", ["Editors", "EDITORS", " editors", "ｅditors"])
    def test_are_taken_whatever_their_case(self, owner, editors, name):
        other = groups.make_group(name="Other", by=owner)

        with pytest.raises(Conflict) as refused:
            groups.make_group(name=name, by=owner)
        with pytest.raises(Conflict):
            groups.rename_group(group=other, name=name, by=owner)

        assert refused.value.code == "name_taken"
        assert Group.objects.count() == 2

    def test_may_change_their_own_case(self, owner, editors):
        groups.rename_group(group=editors, name="EDITORS", by=owner)

        assert Group.objects.get().name == "EDITORS"


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
        groups.delete_group(group=Group.objects.get(), by=owner)

        for change in (
            lambda: groups.add_member(group=editors, user=bob, by=owner),
            lambda: groups.remove_member(group=editors, user=bob, by=owner),
            lambda: groups.rename_group(group=editors, name="n", by=owner),
            lambda: groups.delete_group(group=editors, by=owner),
        ):
            with pytest.raises(NotFound):
                change()
        assert not User.groups.through.objects.exists()


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

    def test_one_that_is_fixed_is_changed_by_nobody(self, owner, editors, bob, monkeypatch):
        monkeypatch.setattr(groups, "is_fixed", lambda group: group == editors)

        for change in (
            lambda: groups.add_member(group=editors, user=bob, by=owner),
            lambda: groups.rename_group(group=editors, name="n", by=owner),
            lambda: groups.delete_group(group=editors, by=owner),
        ):
            with pytest.raises(PermissionDenied):
                change()
