"""Admins invite people with a link that works once, for a few days, until it is taken back."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import authenticate
from django.test import Client as Browser
from django.urls import reverse

from accounts import invitations
from accounts.admins import LastAdminError, keeping_an_admin
from accounts.invitations import InvitationError, Tokens
from accounts.models import User
from accounts.roles import Role, assign, role_of
from tests import cast

pytestmark = pytest.mark.django_db

NEW = "staple battery horse"
VOID = "This invitation is not valid any more"


@pytest.fixture
def admin() -> Browser:
    return cast.sign_in(cast.admin())


def ask(browser: Browser, **given: str) -> str:
    """The page that follows on the form; it has the link when there was no mistake."""
    fields = {"username": "olga", "role": "operator", **given}
    return browser.post(reverse("admin:accounts_user_add"), fields).content.decode()


def invite(browser: Browser) -> str:
    """The path in the link that the page shows for Olga."""
    return path_in(ask(browser))


def again(browser: Browser, person: User) -> str:
    answer = browser.post(reverse("admin:accounts_user_invite", args=[person.pk]))
    return path_in(answer.content.decode())


def path_in(text: str) -> str:
    (link,) = re.findall(r'id="link"[^>]*>([^<]+)<', text)
    assert link.startswith(f"{settings.LINESIDE_URL}/welcome/")
    return str(link.removeprefix(settings.LINESIDE_URL))


def olga() -> User:
    return User.objects.get(username="olga")


def use(path: str, browser: Browser | None = None, password: str = NEW) -> Browser:
    """Opens the link and sets the password there; the browser in which that was done."""
    browser = browser or Browser()
    form = browser.get(path, follow=True)
    if form.status_code == 200:
        where = form.redirect_chain[-1][0]
        browser.post(where, {"new_password1": password, "new_password2": password})
    return browser


def is_in(browser: Browser) -> bool:
    return browser.get(reverse("admin:index")).status_code == 200


def is_void(path: str) -> bool:
    answer = Browser().get(path, follow=True)
    return answer.status_code == 410 and VOID in answer.content.decode()


def test_somebody_invited_sets_a_password_and_is_in_with_the_chosen_role(admin: Browser) -> None:
    path = invite(admin)
    browser = use(path)

    assert is_in(browser)
    assert role_of(olga()) is Role.OPERATOR
    assert not olga().is_staff
    assert not olga().is_superuser
    assert authenticate(username="olga", password=NEW) == olga()
    assert [entry.user.username for entry in LogEntry.objects.order_by("pk")] == ["admin", "olga"]


def test_nobody_gets_in_before_a_password_is_set(admin: Browser) -> None:
    path = invite(admin)
    browser = Browser()
    browser.get(path, follow=True)
    assert not is_in(browser)
    for tried in ("", olga().password):
        answer = browser.post(reverse("admin:login"), {"username": "olga", "password": tried})
        assert answer.status_code == 200
    assert not is_in(browser)


def test_the_link_is_in_one_answer_and_nowhere_else(admin: Browser) -> None:
    answer = admin.post(reverse("admin:accounts_user_add"), {"username": "olga", "role": "viewer"})
    assert "no-store" in answer.headers["Cache-Control"]
    token = path_in(answer.content.decode()).rstrip("/").rpartition("/")[2]
    page = admin.get(reverse("admin:accounts_user_change", args=[olga().pk])).content.decode()
    assert token not in page
    assert all(token not in str(entry) for entry in LogEntry.objects.values())


def test_the_token_leaves_the_address_before_the_form_is_shown(admin: Browser) -> None:
    path = invite(admin)
    form = Browser().get(path, follow=True)
    assert form.redirect_chain[-1][0].endswith("/set-password/")
    assert path not in form.content.decode()


def test_a_link_works_once(admin: Browser) -> None:
    path = invite(admin)
    use(path)
    assert is_void(path)
    assert not is_in(use(path, password="another good password"))
    assert olga().check_password(NEW)


def test_of_two_who_use_a_link_at_the_same_moment_one_is_in(admin: Browser) -> None:
    path = invite(admin)
    slow, late = Browser(), olga()
    where = slow.get(path, follow=True).redirect_chain[-1][0]
    use(path)

    with pytest.raises(InvitationError):
        invitations.accept(late, "another good password")
    answer = slow.post(where, {"new_password1": "other one 1", "new_password2": "other one 1"})

    assert answer.status_code == 410
    assert not is_in(slow)
    assert olga().check_password(NEW)


def test_a_link_is_good_for_days_and_not_for_weeks(
    admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = invite(admin)
    now = Tokens()._now()
    monkeypatch.setattr(Tokens, "_now", lambda _: now + timedelta(days=2, hours=23))
    assert not is_void(path)
    monkeypatch.setattr(Tokens, "_now", lambda _: now + timedelta(days=3, minutes=1))
    assert is_void(path)


def test_a_new_invitation_makes_the_one_before_void(admin: Browser) -> None:
    first = invite(admin)
    second = again(admin, olga())
    assert is_void(first)
    assert is_in(use(second))


def test_a_link_that_was_opened_before_a_new_one_was_made_sets_no_password(admin: Browser) -> None:
    invite(admin)
    opened_before = olga()
    again(admin, olga())
    with pytest.raises(InvitationError):
        invitations.accept(opened_before, NEW)
    assert invitations.is_invited(olga())


def test_deactivating_takes_the_invitation_back_for_good(admin: Browser) -> None:
    path = invite(admin)
    change = reverse("admin:accounts_user_change", args=[olga().pk])
    admin.post(change, {"role": "operator"})
    assert is_void(path)
    assert admin.post(reverse("admin:accounts_user_invite", args=[olga().pk])).status_code == 302
    admin.post(change, {"role": "operator", "is_active": "on"})
    assert is_void(path)
    assert is_in(use(again(admin, olga())))


def test_who_has_a_password_is_not_invited_again_and_keeps_it(admin: Browser) -> None:
    viewer = cast.viewer()
    answer = admin.post(reverse("admin:accounts_user_invite", args=[viewer.pk]), follow=True)
    assert "There is nothing to invite viewer to" in answer.content.decode()
    viewer.refresh_from_db()
    assert viewer.check_password(cast.PASSWORD)


@pytest.mark.parametrize("password", ["short", "12345678901", "password"])
def test_a_weak_password_is_refused_and_the_link_stays_good(password: str, admin: Browser) -> None:
    path = invite(admin)
    assert not is_in(use(path, password=password))
    assert is_in(use(path))


@pytest.mark.parametrize("name", ["olga", "Olga"])
def test_a_name_is_given_once(name: str, admin: Browser) -> None:
    cast.person(Role.VIEWER, "olga")
    assert "already" in ask(admin, username=name)
    assert User.objects.count() == 2


@pytest.mark.parametrize("path", ["/welcome/MQ/x/", "/welcome/%00/c7-0/", "/welcome/OTk5OTk/c-1/"])
def test_a_made_up_link_is_void(path: str) -> None:
    assert is_void(path)


def test_a_link_is_for_the_person_it_names_alone(admin: Browser) -> None:
    path = invite(admin)
    ask(admin, username="boris")
    boris = invitations.urlsafe_base64_encode(str(User.objects.get(username="boris").pk).encode())
    token = path.split("/")[3]
    assert is_void(f"/welcome/{boris}/{token}/")


def test_people_are_listed_by_whether_they_get_in(admin: Browser) -> None:
    invite(admin)
    gone = cast.operator()
    User.objects.filter(pk=gone.pk).update(is_active=False)
    address = reverse("admin:accounts_user_changelist")
    assert "Invited" in admin.get(address).content.decode()

    found = {
        access: [
            one.username
            for one in admin.get(f"{address}?access={access}").context["cl"].result_list
        ]
        for access in ("active", "invited", "deactivated")
    }

    assert found == {"active": ["admin"], "invited": ["olga"], "deactivated": ["operator"]}


def test_an_invited_admin_does_not_count_as_one_who_can_sign_in(admin: Browser) -> None:
    ask(admin, role="admin")
    first = User.objects.get(username="admin")
    with pytest.raises(LastAdminError), keeping_an_admin():
        assign(first, Role.VIEWER)


def test_a_password_manager_learns_whose_password_is_set(admin: Browser) -> None:
    text = Browser().get(invite(admin), follow=True).content.decode()
    (field,) = re.findall(r'<input[^>]*autocomplete="username"[^>]*>', text)
    assert 'value="olga"' in field
    assert re.search(r"\bhidden\b", field)
    assert 'type="text"' in field
