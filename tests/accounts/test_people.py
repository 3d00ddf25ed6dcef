"""Admins give people their one role, and cannot lock themselves out."""

import pytest
from django.test import Client as Browser
from django.urls import reverse

from accounts.admins import LastAdminError, keeping_an_admin
from accounts.models import User
from accounts.roles import Role, assign, role_of
from tests import cast

pytestmark = pytest.mark.django_db

ADD = "admin:accounts_user_add"


def change(browser: Browser, person: User, **other: str) -> str:
    usual = {"first_name": "", "last_name": "", "email": "", "role": "viewer", "is_active": "on"}
    address = reverse("admin:accounts_user_change", args=[person.pk])
    answer = browser.post(address, {**usual, **other}, follow=True)
    return answer.content.decode()


def test_an_admin_gives_somebody_another_role() -> None:
    viewer = cast.viewer()
    change(cast.sign_in(cast.admin()), viewer, role="admin", first_name="Vera")
    viewer.refresh_from_db()
    assert role_of(viewer) is Role.ADMIN
    assert viewer.first_name == "Vera"


def test_a_deactivated_person_is_out_at_once() -> None:
    viewer = cast.viewer()
    page = cast.sign_in(viewer)
    change(cast.sign_in(cast.admin()), viewer, is_active="")
    assert page.get(reverse("admin:index")).status_code == 302


@pytest.mark.parametrize(
    "given", [{"role": "viewer"}, {"role": "admin", "is_active": ""}], ids=["role", "sign-in"]
)
def test_an_admin_cannot_lock_themselves_out(given: dict[str, str]) -> None:
    admin = cast.admin()
    text = change(cast.sign_in(admin), admin, **given)
    assert "You cannot take your own admin role or sign-in away; ask another admin." in text
    admin.refresh_from_db()
    assert admin.is_active
    assert role_of(admin) is Role.ADMIN


def test_two_admins_who_demote_each_other_leave_one() -> None:
    first, second = cast.person(Role.ADMIN, "first"), cast.person(Role.ADMIN, "second")
    change(cast.sign_in(first), second, role="viewer")
    # What the second one sent at the same moment got past the sign-in, and comes to be saved now.
    with pytest.raises(LastAdminError), keeping_an_admin():
        assign(first, Role.VIEWER)
    assert role_of(User.objects.get(pk=first.pk)) is Role.ADMIN


@pytest.mark.parametrize(
    "given", [{"role": "viewer"}, {"role": "admin", "is_active": ""}], ids=["role", "sign-in"]
)
def test_the_page_refuses_to_take_the_last_admin_away(given: dict[str, str]) -> None:
    first, second = cast.person(Role.ADMIN, "first"), cast.person(Role.ADMIN, "second")
    browser = cast.sign_in(first)
    # The first one may still open the page, but can sign in no more.
    first.set_unusable_password()
    first.save(update_fields=["password"])
    browser.force_login(first)

    text = change(browser, second, **given)

    assert "Nobody else is an admin who can sign in: make somebody one first." in text
    second.refresh_from_db()
    assert second.is_active
    assert role_of(second) is Role.ADMIN


def test_nobody_can_be_left_without_a_password() -> None:
    admin = cast.admin()
    address = reverse("admin:auth_user_password_change", args=[admin.pk])
    answer = cast.sign_in(admin).post(address, {"usable_password": "false", "unset-password": "1"})
    assert "This field is required." in answer.content.decode()
    admin.refresh_from_db()
    assert admin.check_password(cast.PASSWORD)


def test_an_admin_sets_a_new_password_for_somebody() -> None:
    viewer = cast.viewer()
    address = reverse("admin:auth_user_password_change", args=[viewer.pk])
    new = "staple battery horse"
    fields = {"password1": new, "password2": new, "usable_password": "true", "set-password": "1"}

    answer = cast.sign_in(cast.admin()).post(address, fields)

    assert answer.status_code == 302
    viewer.refresh_from_db()
    assert viewer.check_password(new)


def test_people_change_their_own_password() -> None:
    viewer = cast.viewer()
    new = "staple battery horse"
    answer = cast.sign_in(viewer).post(
        reverse("admin:password_change"),
        {"old_password": cast.PASSWORD, "new_password1": new, "new_password2": new},
        follow=True,
    )
    assert "Your password was changed" in answer.content.decode()
    viewer.refresh_from_db()
    assert viewer.check_password(new)


def test_no_page_about_people_shows_the_permission_matrix() -> None:
    browser, viewer = cast.sign_in(cast.admin()), cast.viewer()
    for address in (reverse(ADD), reverse("admin:accounts_user_change", args=[viewer.pk])):
        text = browser.get(address).content.decode()
        assert "user_permissions" not in text
        assert "is_superuser" not in text
        assert 'name="groups"' not in text


def test_an_operator_sees_people_and_changes_nothing() -> None:
    browser, viewer = cast.sign_in(cast.operator()), cast.viewer()
    page = browser.get(reverse("admin:accounts_user_change", args=[viewer.pk]))
    assert page.status_code == 200
    assert 'name="role"' not in page.content.decode()
