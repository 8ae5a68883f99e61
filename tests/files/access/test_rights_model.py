"""Rights against a plain model, in which nothing is remembered and every question walks the tree.

Grants, groups, memberships, moves, expiry, deactivation in any order; after each step everybody is
asked about everything.
"""

import os
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.actions import create_user
from files.access import rights
from files.access.actor import Actor
from files.access.audience import audience, reasons
from files.access.policy import can, shared_entries, sights
from files.access.roles import GRANTED, PERMISSIONS, RANK, Permission, Role
from files.actions import sharing, tree
from files.models import Entry, GroupGrant, Space, UserGrant
from rapidserve.db import current_time
from rapidserve.errors import RapidServeError
from tests.engines.undo import rolled_back
from tests.world import PASSWORD

RUNS = int(os.environ.get("RS_RIGHTS_RUNS", "100" if settings.ON_MONGODB else "500"))
STEPS = 15
PEOPLE = ("bob", "carol", "dave")
GROUPS = ("readers", "writers")

people = st.sampled_from(PEOPLE)
groups = st.sampled_from(GROUPS)
subjects = st.sampled_from([*PEOPLE, *GROUPS])
roles = st.sampled_from(GRANTED)
folders = st.integers(min_value=0, max_value=5)


class Rights(RuleBasedStateMachine):
    """alice owns six folders: 0 is the top, and each of the others begins in the one before it."""

    @initialize()
    def begin(self) -> None:
        rights.changed()
        self.alice = Actor(create_user(username="alice", password=PASSWORD))
        self.users = {n: create_user(username=n, password=PASSWORD) for n in PEOPLE}
        self.made = {name: Group.objects.create(name=name) for name in GROUPS}
        top = Space.objects.get(owner=self.alice.user).root
        self.folders = [Entry.objects.get(id=top)]
        for number in range(1, 6):
            above = self.folders[-1]
            made = tree.create_folder(actor=self.alice, parent_id=above.id, name=str(number))
            self.folders.append(made)
        self.above = {number: number - 1 for number in range(1, 6)}
        self.granted: dict[tuple[str, int], Role] = {}
        self.members: dict[str, set[str]] = {name: set() for name in GROUPS}
        self.inactive: set[str] = set()

    def named(self, subject: str) -> tuple[str, str]:
        if subject in PEOPLE:
            return "user", str(self.users[subject].id)
        return "group", str(self.made[subject].pk)

    @rule(subject=subjects, folder=folders, role=roles)
    def give(self, subject: str, folder: int, role: Role) -> None:
        if subject in self.inactive or subject not in {*PEOPLE, *self.members}:
            return
        sharing.give_role(
            actor=self.alice,
            entry_id=self.folders[folder].id,
            subject=self.named(subject),
            role=role,
        )
        self.granted[subject, folder] = role

    @rule(subject=subjects, folder=folders)
    def withdraw(self, subject: str, folder: int) -> None:
        try:
            sharing.withdraw_role(
                actor=self.alice, entry_id=self.folders[folder].id, subject=self.named(subject)
            )
        except RapidServeError:
            assert (subject, folder) not in self.granted
        else:
            self.granted.pop((subject, folder), None)  # one that has expired is there as well

    @precondition(lambda self: self.granted)
    @rule(data=st.data())
    def let_expire(self, data: st.DataObject) -> None:
        """Time passes; what the clock does is done to the row, and nobody is told."""
        subject, folder = data.draw(st.sampled_from(sorted(self.granted)))
        model, field = (UserGrant, "user") if subject in PEOPLE else (GroupGrant, "group")
        ended = current_time() - timedelta(milliseconds=1)
        row = model.objects.filter(content_object=self.folders[folder])
        row.filter(**{field: self.named(subject)[1]}).update(expires_at=ended)
        rights.changed()  # the date was there when the row was read; here it comes afterwards
        del self.granted[subject, folder]

    @rule(person=people, group=groups)
    def join(self, person: str, group: str) -> None:
        if group in self.members:
            self.made[group].user_set.add(self.users[person])
            self.members[group].add(person)

    @rule(person=people, group=groups)
    def leave(self, person: str, group: str) -> None:
        if group in self.members:
            self.users[person].groups.remove(self.made[group])
            self.members[group].discard(person)

    @rule(group=groups)
    def delete_group(self, group: str) -> None:
        if group in self.members:
            self.made[group].delete()
            self.made[group].pk = "999999999"
            del self.members[group]
            self.granted = {k: role for k, role in self.granted.items() if k[0] != group}

    @rule(folder=st.integers(min_value=1, max_value=5), into=folders)
    def move(self, folder: int, into: int) -> None:
        try:
            tree.change(
                actor=self.alice,
                entry_id=self.folders[folder].id,
                parent_id=self.folders[into].id,
            )
        except RapidServeError:
            assert folder in self.chain(into)
        else:
            self.above[folder] = into

    @rule(person=people)
    def deactivate(self, person: str) -> None:
        self.users[person].is_active = False
        self.users[person].save(update_fields=["is_active"])
        self.inactive.add(person)

    def chain(self, folder: int) -> list[int]:
        found = [folder]
        while found[-1] in self.above:
            found.append(self.above[found[-1]])
        return found

    def role(self, person: str, folder: int) -> Role | None:
        mine = {person, *(group for group, members in self.members.items() if person in members)}
        held = [
            role
            for (subject, place), role in self.granted.items()
            if subject in mine and place in self.chain(folder)
        ]
        return max(held, key=RANK.__getitem__) if held and person not in self.inactive else None

    @invariant()
    def everybody_may_what_the_model_says(self) -> None:
        entries = self.entries()
        for name in PEOPLE if entries else ():
            seen = sights(Actor(self.users[name]), entries)
            for number, entry in enumerate(entries):
                role = self.role(name, number)
                held = PERMISSIONS[role] if role else frozenset()
                assert seen[entry.id].permissions == held, (name, number)

    @rule(folder=folders)
    def explain(self, folder: int) -> None:
        entry = self.entries()[folder]
        told = {access.user.username: access.role for access in audience(reasons(entry))}
        expected = {name: role for name in PEOPLE if (role := self.role(name, folder))}
        assert told == expected | {"alice": Role.OWNER}
        for name in PEOPLE:
            assert can(Actor(self.users[name]), Permission.VIEW, entry) == (name in expected)

    @rule(person=people)
    def list_what_is_shared(self, person: str) -> None:
        mine = {person, *(g for g, members in self.members.items() if person in members)}
        places = {place for subject, place in self.granted if subject in mine}
        shared = set(shared_entries(Actor(self.users[person])))
        assert shared == {self.folders[place].id for place in places}

    def entries(self) -> list[Entry]:
        """The folders as they are now, by number; none before there are any."""
        ids = [folder.id for folder in getattr(self, "folders", [])]
        found = Entry.objects.select_related("space", "parent").in_bulk(ids)
        return [found[each] for each in ids]


@pytest.mark.django_db
def test_rights_follow_every_change_at_once():
    class Once(Rights):
        """Each run on a database as it was before."""

        def __init__(self) -> None:
            super().__init__()
            self._undo = ExitStack()
            self._undo.enter_context(rolled_back())

        def teardown(self) -> None:
            self._undo.close()

    run_state_machine_as_test(
        Once,
        settings=hypothesis_settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
