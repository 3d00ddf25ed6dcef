"""`manage.py add_user`: a person who may sign in, with one role."""

import getpass
import sys

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.admins import LastAdminError, keeping_an_admin
from accounts.models import User
from accounts.roles import Role, assign


class Command(BaseCommand):
    """Adds a person, or gives one who is there already this role and password."""

    help = "Add a person with a role; asks for the password unless it comes on standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME, --role and --password-stdin."""
        parser.add_argument("name", help="the name to sign in with")
        parser.add_argument("--role", choices=[role.value for role in Role], required=True)
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def handle(self, *, name: str, role: str, password_stdin: bool, **_: object) -> None:
        """Makes or changes the person."""
        password = read() if password_stdin else ask()
        user = User.objects.filter(username=name).first() or User(username=name)
        try:
            user.clean_fields(exclude=["password"])
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.set_password(password)
        user.is_active = True
        try:
            with keeping_an_admin():
                user.save()
                assign(user, Role(role))
        except LastAdminError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{name} can sign in as {role}.")


def read() -> str:
    """The first line of standard input; raises CommandError for bytes that are no text."""
    try:
        line = sys.stdin.readline().rstrip("\n")
        # Some surroundings smuggle foreign bytes through, as characters that nothing can store.
        line.encode()
    except UnicodeError as error:
        message = "The password must be text in UTF-8."
        raise CommandError(message) from error
    return line


def ask() -> str:
    """The password, typed twice; raises CommandError when the two differ."""
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Password (again): "):
        message = "The two passwords are not the same."
        raise CommandError(message)
    return first
