"""manage.py create_user NAME: a person who can sign in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import actions
from accounts.management.passwords import add_password_arguments, password_from
from accounts.organisation import OrganisationRole
from rapidserve.errors import RapidServeError


class Command(BaseCommand):
    help = "Create a person who can sign in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--display-name", default="")
        parser.add_argument(
            "--role",
            choices=[role.value for role in OrganisationRole],
            default=OrganisationRole.MEMBER.value,
            help="What they may do in the organisation.",
        )
        add_password_arguments(parser)

    def handle(self, **options: Any) -> None:
        password = password_from(options)
        try:
            user = actions.create_user(
                username=options["name"],
                password=password,
                display_name=options["display_name"],
                role=OrganisationRole(options["role"]),
            )
        except RapidServeError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Created {user.username}.")
        if options["generate"]:
            self.stdout.write(f"Password: {password}")
