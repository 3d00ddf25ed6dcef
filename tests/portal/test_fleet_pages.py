"""Devices, groups and clients as people see and change them."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from deployments.models import Deployment
from devices import known_labels
from devices.models import Client, Device, DeviceGroup, DeviceLabel
from tests import cast

pytestmark = pytest.mark.django_db

DEVICES = "/devices/device/"
LISTS = ("devices_device", "devices_devicegroup", "devices_client", "applications_application")


def queries(browser: Browser, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200
    return len(captured)


def fill(count: int) -> None:
    for number in range(count):
        client = cast.client(f"c{number}", seen=timezone.now())
        cast.device(client, f"c{number}", site="berlin")
        DeviceGroup.objects.create(name=f"g{number}", created_at=cast.NOON)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_for_2_rows_and_for_30(name: str) -> None:
    browser, address = cast.sign_in(cast.admin()), reverse(f"admin:{name}_changelist")
    browser.get(address)
    fill(2)
    few = queries(browser, address)
    Device.objects.all().delete()
    Client.objects.all().delete()
    DeviceGroup.objects.all().delete()
    fill(30)
    assert queries(browser, address) == few


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", {"a", "b", "c"}, id="all"),
        pytest.param("?labels=site%3Dberlin", {"a", "b"}, id="labels"),
        pytest.param("?labels=site%3Dberlin%2C%21old", {"b"}, id="labels, two"),
        pytest.param("?status=online", {"a", "b"}, id="status"),
        pytest.param("?q=c", {"c"}, id="search"),
        pytest.param("?group={group}", {"b"}, id="group"),
        pytest.param("?group=0", set(), id="a group that is gone"),
        pytest.param("?group=x", set(), id="no group at all"),
        pytest.param("?labels=%3D", set(), id="an unreadable selector"),
    ],
)
def test_devices_are_narrowed_by_what_the_bar_offers(query: str, expected: set[str]) -> None:
    client = cast.client("one", seen=timezone.now())
    cast.device(client, "a", site="berlin", old="yes")
    cast.device(client, "b", site="berlin")
    cast.device(cast.client("two"), "c")
    group = DeviceGroup.objects.create(name="g", selector="!old, site", created_at=cast.NOON)

    page = cast.sign_in(cast.viewer()).get(DEVICES + query.format(group=group.pk))

    assert {device.path for device in page.context["cl"].result_list} == expected


def test_an_unreadable_selector_is_refused_beside_its_field() -> None:
    cast.device(cast.client("one"), "a")
    text = cast.sign_in(cast.viewer()).get(f"{DEVICES}?labels=a b").content.decode()
    assert "Position 3: a comma is expected, not “b”." in text
    assert 'aria-label="Remove labels"' in text


def test_an_operator_assigns_labels_and_the_index_follows() -> None:
    operator = cast.operator()
    device = cast.device(cast.client("one"), "a", site="paris")

    answer = cast.sign_in(operator).post(
        reverse("admin:devices_device_change", args=[device.pk]),
        {"labels": "site = berlin\n\nring=early\nring=beta"},
    )

    assert answer.status_code == 302
    device.refresh_from_db()
    assert device.assigned_labels == {"site": ["berlin"], "ring": ["early", "beta"]}
    rows = set(DeviceLabel.objects.values_list("key", "value"))
    assert rows == {("site", "berlin"), ("ring", "early"), ("ring", "beta")}
    assert LogEntry.objects.get().user == operator


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("site", "Line 1: write it as key=value.", id="no sign"),
        pytest.param("a=1\n=x", "Line 2: write it as key=value.", id="no key"),
        pytest.param("a b=1", "Line 1: a key cannot contain “ ”.", id="key with a blank"),
        pytest.param(f"a={'x' * 256}", "at most 255 characters", id="too long"),
    ],
)
def test_labels_that_cannot_be_are_refused_by_line(text: str, sentence: str) -> None:
    device = cast.device(cast.client("one"), "a", site="paris")
    address = reverse("admin:devices_device_change", args=[device.pk])
    page = cast.sign_in(cast.operator()).post(address, {"labels": text})
    assert sentence in page.content.decode()
    device.refresh_from_db()
    assert device.assigned_labels == {"site": "paris"}


def test_a_device_page_says_what_it_is_and_why_it_has_its_status(
    keys: dict[str, int], viewer: Browser
) -> None:
    address = reverse("admin:devices_device_change", args=[keys["device"]])
    text = viewer.get(address).content.decode()
    assert "4 cores arm64" in text
    assert "8 GiB" in text
    assert "Its client was heard lately" in text
    assert "<textarea" not in text


def test_a_group_says_how_devices_get_into_it_without_a_script(
    keys: dict[str, int], operator: Browser
) -> None:
    address = reverse("admin:devices_devicegroup_change", args=[keys["group"]])
    _, _, told = operator.get(address).content.decode().partition("<noscript>")
    said = told.partition("</noscript>")[0]
    assert "write that label into the selector" in said
    assert reverse("admin:devices_device_changelist") in said


@pytest.mark.parametrize(
    ("state", "verb", "becomes"),
    [
        ("pending", "accept", "accepted"),
        ("retired", "accept", "accepted"),
        ("accepted", "retire", "retired"),
    ],
)
def test_an_admin_decides_about_a_client(state: str, verb: str, becomes: str) -> None:
    client = cast.client("one", state=state)
    admin = cast.admin()

    answer = cast.sign_in(admin).post(reverse(f"admin:devices_client_{verb}", args=[client.pk]))

    assert answer.status_code == 302
    client.refresh_from_db()
    assert client.state == becomes
    assert LogEntry.objects.get().user == admin


@pytest.mark.parametrize("verb", ["accept", "retire"])
def test_looking_decides_nothing(verb: str) -> None:
    client = cast.client("one", state="pending")
    cast.sign_in(cast.admin()).get(reverse(f"admin:devices_client_{verb}", args=[client.pk]))
    client.refresh_from_db()
    assert client.state == "pending"


def test_retiring_names_the_number_of_devices_first() -> None:
    client = cast.client("one")
    cast.device(client, "one")
    cast.device(client, "one/plc")
    page = cast.sign_in(cast.admin()).get(reverse("admin:devices_client_retire", args=[client.pk]))
    assert "the 2 devices behind it" in " ".join(page.content.decode().split())


def test_onboarding_names_the_commands_for_the_name_given(admin: Browser) -> None:
    address = reverse("admin:devices_client_add")
    text = admin.get(address, {"name": "line-4"}).content.decode()
    assert "manage.py identity issue line-4" in text
    assert "Use letters, digits" in admin.get(address, {"name": "a; rm -rf /"}).content.decode()
    assert not Client.objects.exists()


def test_a_certificate_that_ends_soon_is_shown_in_the_list(admin: Browser) -> None:
    client = cast.client("one")
    Client.objects.filter(pk=client.pk).update(svid_not_after=timezone.now() + timedelta(days=2))
    text = admin.get(reverse("admin:devices_client_changelist")).content.decode()
    assert "Expires soon" in text


def test_an_operator_makes_a_group_and_sees_who_is_in_it(operator: Browser) -> None:
    client = cast.client("one", seen=timezone.now())
    member, _ = cast.device(client, "member"), cast.device(client, "matched", site="berlin")

    answer = operator.post(
        reverse("admin:devices_devicegroup_add"),
        {"name": "Berlin", "selector": "site=berlin", "members": [member.pk]},
    )

    group = DeviceGroup.objects.get()
    assert answer.status_code == 302
    page = operator.get(reverse("admin:devices_devicegroup_change", args=[group.pk]))
    assert page.context["member_count"] == 2
    assert "Deploy to this group" in page.content.decode()


def test_a_selector_that_cannot_be_read_is_not_saved(operator: Browser) -> None:
    page = operator.post(
        reverse("admin:devices_devicegroup_add"), {"name": "Berlin", "selector": "site="}
    )
    assert "Position 6: a value is expected, not the end." in page.content.decode()
    assert not DeviceGroup.objects.exists()


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        pytest.param("site=berlin", "1 device</strong> right now", id="one"),
        pytest.param("site=rome", "0 devices</strong> right now", id="none"),
        pytest.param("site=", "Position 6", id="unreadable"),
        pytest.param("a," * 30_000, "at most 2000 characters", id="a flood"),
        pytest.param(",".join("a" * 900), "at most 50 requirements", id="many"),
        pytest.param("", "Type a selector", id="empty"),
    ],
)
def test_the_preview_says_what_a_selector_picks(
    selector: str, words: str, operator: Browser
) -> None:
    cast.device(cast.client("one"), "a", site="berlin")
    page = operator.get(reverse("admin:devices_devicegroup_preview"), {"selector": selector})
    assert words in page.content.decode()


def test_the_overview_counts_certificates_that_end_soon_and_leads_to_them() -> None:
    now = timezone.now()
    for name, days in (("gone", -1), ("soon", 13), ("fine", 15)):
        client = cast.client(name)
        client.svid_not_after = now + timedelta(days=days)
        client.save(update_fields=["svid_not_after"])
    browser = cast.sign_in(cast.admin())
    address = reverse("admin:devices_client_changelist") + "?certificate=ending"
    overview = browser.get(reverse("admin:index")).content.decode()
    assert f'<a href="{address}">2 clients</a> have certificates' in overview
    listed = browser.get(address).context["cl"].result_list
    assert {client.name for client in listed} == {"gone", "soon"}


def test_a_group_can_be_deployed_to_in_one_click(
    keys: dict[str, int], operator: Browser, viewer: Browser
) -> None:
    page = reverse("admin:devices_devicegroup_change", args=[keys["group"]])
    wizard = f"{reverse('admin:deployments_deployment_new')}?group={keys['group']}"
    assert f'href="{wizard}"' in operator.get(page).content.decode()
    assert wizard not in viewer.get(page).content.decode()
    assert "The devices of the group <strong>Berlin</strong>" in (
        operator.get(wizard).content.decode()
    )

    operator.post(wizard, {"choice": f"{keys['version']}:compose", "name": "To Berlin"})

    assert Deployment.objects.get(name="To Berlin").targeting == {"groups": [keys["group"]]}


def test_deleting_a_group_says_what_becomes_of_its_devices(
    keys: dict[str, int], admin: Browser
) -> None:
    address = reverse("admin:devices_devicegroup_delete", args=[keys["group"]])
    assert "Its devices stay as they are." in admin.get(address).content.decode()
    admin.post(address, {"post": "yes"})
    assert not DeviceGroup.objects.exists()
    assert Device.objects.filter(pk=keys["device"]).exists()


@pytest.mark.parametrize(
    ("query", "expected", "offered"),
    [
        pytest.param("?key=site", {"a", "b"}, {"berlin", "a=b"}, id="key"),
        pytest.param("?key=site&value=site%3Dberlin", {"a"}, {"berlin", "a=b"}, id="value"),
        pytest.param("?key=site&value=site%3Da%3Db", {"b"}, {"berlin", "a=b"}, id="with a sign"),
        pytest.param("?key=line&value=site%3Dberlin", {"a", "c"}, {"1", "2"}, id="left over"),
        pytest.param("?value=site%3Dberlin", {"a", "b", "c"}, set(), id="no key"),
        pytest.param("?key=nothing", set(), set(), id="unknown"),
        pytest.param("?key=site&status=pending", {"b"}, {"berlin", "a=b"}, id="and a status"),
        pytest.param("?key=site&value=site%3Dx", set(), {"berlin", "a=b", "x"}, id="no such value"),
    ],
)
def test_devices_are_narrowed_by_label_and_value(
    query: str, expected: set[str], offered: set[str]
) -> None:
    here = cast.client("one", seen=timezone.now())
    cast.device(here, "a", site="berlin", line="1")
    cast.device(cast.client("two"), "b", site="a=b")
    cast.device(here, "c", line="2")

    page = cast.sign_in(cast.viewer()).get(DEVICES + query)

    assert {device.path for device in page.context["cl"].result_list} == expected
    menus = {spec.title: spec.lookup_choices for spec in page.context["cl"].filter_specs}
    assert {words for _, words in menus.get("value", [])} == offered
    assert {"line", "site"} <= {words for _, words in menus["label"]}


def test_only_the_first_labels_are_offered_and_every_one_can_be_asked_for() -> None:
    of = cast.client("one")
    for number in range(known_labels.MOST + 5):
        cast.device(of, f"d{number}", **{f"k{number:03}": "x"})
    page = cast.sign_in(cast.viewer()).get(f"{DEVICES}?key=k104")
    menu = next(spec for spec in page.context["cl"].filter_specs if spec.title == "label")
    assert [words for words, _ in menu.lookup_choices] == [
        *(f"k{number:03}" for number in range(known_labels.MOST)),
        "k104",
    ]
    assert [device.path for device in page.context["cl"].result_list] == ["d104"]
