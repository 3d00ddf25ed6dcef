"""Everybody keeps their own profile; times and the theme of every page follow it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.zones import names, zone_of
from tests import cast
from tests.deployments import plant
from tests.portal import world

pytestmark = pytest.mark.django_db

PROFILE = "admin:profile"
FAR = "Asia/Kathmandu"


def save(browser: Browser, **given: str) -> str:
    usual = {"first_name": "", "last_name": "", "email": "", "time_zone": "", "theme": "auto"}
    return browser.post(reverse(PROFILE), {**usual, **given}, follow=True).content.decode()


def lives_in(zone: str) -> Browser:
    viewer = cast.viewer()
    User.objects.filter(pk=viewer.pk).update(time_zone=zone)
    return cast.sign_in(viewer)


def test_people_say_who_they_are_and_how_the_portal_looks() -> None:
    viewer = cast.viewer()
    text = save(cast.sign_in(viewer), first_name="Vera", time_zone=FAR, theme="dark")

    viewer.refresh_from_db()
    assert (viewer.first_name, viewer.time_zone, viewer.theme) == ("Vera", FAR, "dark")
    assert "Your profile was saved." in text
    said = LogEntry.objects.get().get_change_message()
    assert said == "Changed first name, time zone and theme."


def test_saving_what_was_there_changes_nothing() -> None:
    save(cast.sign_in(cast.viewer()))
    assert not LogEntry.objects.exists()


def test_nobody_gives_themselves_a_role_or_another_name_to_sign_in_with() -> None:
    viewer = cast.viewer()
    save(cast.sign_in(viewer), username="root", role="admin", is_superuser="on", is_active="")
    viewer.refresh_from_db()
    assert (viewer.username, viewer.is_superuser, viewer.is_active) == ("viewer", False, True)
    assert not viewer.has_perm("accounts.add_user")


@pytest.mark.parametrize(
    "given", [{"time_zone": "Mars/Olympus"}, {"theme": "plaid"}, {"email": "nobody"}]
)
def test_what_cannot_be_meant_is_refused_beside_its_field(given: dict[str, str]) -> None:
    viewer = cast.viewer()
    text = save(cast.sign_in(viewer), first_name="Vera", **given)
    viewer.refresh_from_db()
    assert 'class="error' in text
    assert viewer.first_name == ""
    # The name in the header is the one that is stored.
    assert "Vera</a>" not in text


def test_the_header_leads_to_the_profile_and_the_profile_to_the_password() -> None:
    browser = cast.sign_in(cast.viewer())
    header = f'<a href="{reverse(PROFILE)}">viewer</a>'
    assert header in browser.get(reverse("admin:index")).content.decode()
    profile = browser.get(reverse(PROFILE)).content.decode()
    assert f'href="{reverse("admin:password_change")}"' in profile


def test_every_zone_that_is_offered_exists_and_the_usual_ones_are_there() -> None:
    assert {"UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"} <= set(names())
    assert all(zone_of(User(time_zone=name)) == ZoneInfo(name) for name in names())


def test_times_are_shown_in_the_persons_zone_with_its_name_on_hover() -> None:
    imported = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    version = world.version_of("com.example.pump", "1.0.0")
    type(version).objects.update(imported_at=imported)
    address = reverse("admin:applications_applicationversion_change", args=[version.pk])

    far, here = lives_in(FAR), cast.sign_in(cast.operator())

    assert (
        '<time class="moment" datetime="2026-07-01T12:00:00+00:00" '
        'title="1 Jul 2026, 17:45:00 +0545">1 Jul 2026, 17:45:00 +0545</time>'
    ) in far.get(address).content.decode()
    # Who has chosen none sees the portal's, also right after somebody else's request.
    assert "1 Jul 2026, 12:00:00 UTC" in here.get(address).content.decode()


def test_a_page_tells_its_script_the_zone() -> None:
    text = lives_in(FAR).get(reverse("admin:index")).content.decode()
    assert f'data-time-zone="{FAR}"' in text


def test_a_zone_that_this_machine_does_not_know_is_the_portals_own() -> None:
    browser = lives_in("Mars/Olympus")
    assert (
        f'data-time-zone="{settings.TIME_ZONE}"'
        in browser.get(reverse("admin:index")).content.decode()
    )


def test_the_theme_is_on_the_page_before_any_script_runs() -> None:
    viewer = cast.viewer()
    User.objects.filter(pk=viewer.pk).update(theme="dark")
    text = cast.sign_in(viewer).get(reverse("admin:index")).content.decode()
    assert '<body class="theme-dark' in text
    assert 'data-theme="dark"' in text
    assert text.index("portal/theme.js") < text.index("admin/js/theme.js")


def test_the_switch_in_the_header_is_kept_for_the_person() -> None:
    viewer, other = cast.viewer(), cast.operator()
    browser = cast.sign_in(viewer)

    assert browser.post(reverse("admin:profile_theme"), {"theme": "light"}).status_code == 204
    assert browser.post(reverse("admin:profile_theme"), {"theme": "plaid"}).status_code == 400

    viewer.refresh_from_db()
    other.refresh_from_db()
    assert (viewer.theme, other.theme) == ("light", "auto")


def test_a_start_is_read_and_shown_in_the_persons_zone() -> None:
    operator = cast.operator()
    User.objects.filter(pk=operator.pk).update(time_zone=FAR)
    tomorrow = (timezone.now() + timedelta(days=1)).astimezone(ZoneInfo(FAR))
    ready = plant.a_ready_deployment([plant.a_device()])
    address = reverse("admin:deployments_deployment_action", args=[ready.pk, "schedule"])
    browser = cast.sign_in(operator)

    browser.post(address, {"at": tomorrow.strftime("%Y-%m-%dT%H:%M")})

    ready.refresh_from_db()
    assert ready.start_at == tomorrow.replace(second=0, microsecond=0)
    page = browser.get(address).content.decode()
    assert f"In your time zone, {FAR}" in page
    assert f'value="{tomorrow:%Y-%m-%dT%H:%M}"' in page


def test_a_password_manager_learns_whose_password_is_changed() -> None:
    text = cast.sign_in(cast.viewer()).get(reverse("admin:password_change")).content.decode()
    (field,) = re.findall(r'<input[^>]*autocomplete="username"[^>]*>', text)
    assert 'value="viewer"' in field
    assert re.search(r"\bhidden\b", field)
    assert 'type="text"' in field
