"""Roles are data: groups hold what the table says, a person has exactly one."""

import io

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.roles import DUTIES, LOOKS, ROLES, Role, assign, role_of, sync_roles
from tests import cast

pytestmark = pytest.mark.django_db

RIGHTS = sorted(ROLES[Role.ADMIN])


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_its_row_says_and_nothing_else(role: Role) -> None:
    person = cast.person(role)
    assert {right for right in RIGHTS if person.has_perm(right)} == ROLES[role]
    assert person.get_all_permissions() == ROLES[role]


@pytest.mark.parametrize(
    ("right", "holders"),
    [
        pytest.param("accounts.use_portal", {"viewer", "operator", "admin"}, id="gets in"),
        pytest.param("devices.view_device", {"viewer", "operator", "admin"}, id="sees devices"),
        pytest.param("devices.change_device", {"operator", "admin"}, id="labels devices"),
        pytest.param("devices.view_client", {"operator", "admin"}, id="sees clients"),
        pytest.param("devices.change_client", {"admin"}, id="accepts clients"),
        pytest.param("devices.delete_devicegroup", {"admin"}, id="deletes groups"),
        pytest.param("deployments.roll_out_deployment", {"operator", "admin"}, id="rolls out"),
        pytest.param("applications.add_applicationversion", {"admin"}, id="imports"),
        pytest.param("accounts.view_user", {"operator", "admin"}, id="sees people"),
        pytest.param("accounts.change_user", {"admin"}, id="changes people"),
    ],
)
def test_who_holds_a_right(right: str, holders: set[str]) -> None:
    assert {role.value for role, rights in ROLES.items() if right in rights} == holders


def test_syncing_puts_back_what_was_taken_and_takes_what_was_added() -> None:
    group = Group.objects.get(name="viewer")
    group.permissions.set([Permission.objects.get(codename="delete_user")])
    Group.objects.get(name="operator").delete()

    sync_roles()
    sync_roles()

    assert cast.viewer().get_all_permissions() == ROLES[Role.VIEWER]
    assert cast.operator().get_all_permissions() == ROLES[Role.OPERATOR]


def test_a_person_has_exactly_one_role() -> None:
    person = cast.admin()
    person.groups.add(Group.objects.create(name="something else"))

    assign(person, Role.VIEWER)

    assert [group.name for group in person.groups.all()] == ["viewer"]
    assert role_of(person) is Role.VIEWER
    assert role_of(cast.person(None)) is None


def test_every_role_has_a_look_and_says_what_it_may() -> None:
    assert set(LOOKS) == set(Role) == set(DUTIES) == set(ROLES)


def test_the_command_adds_a_person_who_can_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    said = io.StringIO()

    call_command("add_user", "olga", role="operator", password_stdin=True, stdout=said)

    olga = User.objects.get(username="olga")
    assert said.getvalue() == "olga can sign in as operator.\n"
    assert olga.check_password("correct horse battery")
    assert role_of(olga) is Role.OPERATOR


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [
        pytest.param("olga", "12345678", "too common", id="password too easy"),
        pytest.param("ol ga", "correct horse battery", "valid username", id="no name"),
    ],
)
def test_the_command_refuses_with_a_sentence(
    name: str, password: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    with pytest.raises(CommandError, match=sentence):
        call_command("add_user", name, role="operator", password_stdin=True)
    assert not User.objects.exists()


def test_the_command_leaves_the_last_admin_an_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = cast.admin()
    monkeypatch.setattr("sys.stdin", io.StringIO("another horse battery\n"))
    with pytest.raises(CommandError, match="Nobody else is an admin"):
        call_command("add_user", "admin", role="viewer", password_stdin=True)
    admin.refresh_from_db()
    assert role_of(admin) is Role.ADMIN
    assert admin.check_password(cast.PASSWORD)


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_a_password_that_is_no_text_is_refused(
    errors: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = io.TextIOWrapper(io.BytesIO(b"correct h\xf6rse\n"), "utf-8", errors)
    monkeypatch.setattr("sys.stdin", foreign)
    with pytest.raises(CommandError, match="must be text in UTF-8"):
        call_command("add_user", "olga", role="operator", password_stdin=True)
