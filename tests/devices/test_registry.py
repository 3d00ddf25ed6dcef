"""The verbs behind the device interface: what devices there are, and their labels."""

from datetime import UTC, datetime, timedelta

import pytest

from devices import labels, registry
from devices.models import Client, Device, DeviceLabel

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def client() -> Client:
    return Client.objects.create(
        spiffe_id="spiffe://plant.example/margo/wfm/hall-7/client/line-4",
        name="line-4",
        state="accepted",
        created_at=NOW,
    )


def report(client: Client, path: str, at: datetime = NOW, **members: object) -> bool:
    identity = {"id": path, "vendor": "Acme", "modelNumber": "P2", "serialNumber": "42"}
    return registry.report(client, path, {"properties": identity, **members}, "raw", at)


def test_a_report_is_new_once(client: Client) -> None:
    assert report(client, "press")
    assert not report(client, "press", LATER)
    row = Device.objects.get()
    assert (row.created_at, row.capabilities_at, row.capabilities) == (NOW, LATER, "raw")


def test_a_report_touches_nothing_that_is_not_the_devices_to_say(client: Client) -> None:
    report(client, "press")
    Device.objects.update(failing=True, assigned_labels={"line": "4"})
    report(client, "press", LATER)
    row = Device.objects.get()
    assert (row.failing, row.assigned_labels) == (True, {"line": "4"})


def test_words_too_long_for_a_column_stay_whole_among_the_properties(client: Client) -> None:
    properties = {"id": "a", "vendor": "v" * 500, "modelNumber": "", "serialNumber": ""}
    registry.report(client, "a", {"properties": properties}, "raw", NOW)
    row = Device.objects.get()
    assert row.vendor == "v" * 200
    assert row.properties == properties


def test_only_the_first_device_of_a_path_must_be_known(client: Client) -> None:
    report(client, "gw")
    assert report(client, "gw/never/reported/lens")
    with pytest.raises(registry.GatewayUnknownError, match="gateway GW has not"):
        report(client, "GW/cam")


def test_removing_keeps_the_time_of_the_first_removal_of_a_child(client: Client) -> None:
    for path in ("gw", "gw/cam"):
        report(client, path)
    registry.remove(client, "gw/cam", NOW)
    registry.remove(client, "gw", LATER)
    assert Device.objects.get(path="gw/cam").removed_at == NOW
    with pytest.raises(registry.DeviceUnknownError):
        registry.remove(client, "gw", LATER)


def test_a_percent_sign_in_like_is_no_trap(client: Client) -> None:
    for path in ("g_", "g_/a", "gx", "gx/a"):
        report(client, path)
    registry.remove(client, "g_", NOW)
    assert set(Device.objects.present().values_list("path", flat=True)) == {"gx", "gx/a"}


def rows() -> set[tuple[str, str]]:
    return set(DeviceLabel.objects.values_list("key", "value"))


def test_reindexing_twice_changes_nothing(client: Client) -> None:
    report(client, "press", labels={"line": "4", "tags": ["a", "b"]})
    before = set(DeviceLabel.objects.values_list("pk", flat=True))
    labels.reindex(Device.objects.get())
    assert set(DeviceLabel.objects.values_list("pk", flat=True)) == before
    report(client, "press", labels={"line": "5", "tags": ["b"]})
    assert rows() == {("line", "5"), ("tags", "b")}


def test_what_no_selector_can_ask_for_has_no_row(client: Client) -> None:
    report(client, "press", labels={"k" * 300: "v", "k": "v" * 300, "short": "v"})
    assert rows() == {("short", "v")}


def test_an_assigned_label_hides_the_whole_reported_one() -> None:
    reported: dict[str, object] = {"line": ["4", "5"], "hall": 7, "big": 1e300, "no": False}
    assert labels.effective(reported, {"line": "9"}) == {
        "line": ["9"],
        "hall": ["7"],
        "big": [str(int(1e300))],
        "no": ["false"],
    }
