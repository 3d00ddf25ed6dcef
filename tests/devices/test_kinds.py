"""The kind of a device: equal only for devices that report the same about themselves."""

import pytest
from django.db.models import JSONField, Value

from devices import registry
from devices.models import Client, Device
from tests.cast import NOON

pytestmark = pytest.mark.django_db

PROPERTIES = {"vendor": "Acme", "modelNumber": "P2", "memory": "4Gi"}


@pytest.fixture
def client() -> Client:
    return Client.objects.create(spiffe_id="spiffe://a/b", name="a", created_at=NOON)


def kind(client: Client, path: str, labels: dict | None = None, **changes: object) -> str | None:
    """The kind after a report of a device with a path and serial number of its own."""
    own = {"id": path, "serialNumber": f"number of {path}"}
    document = {"properties": {**own, **PROPERTIES, **changes}, "labels": labels or {}}
    registry.report(client, path, document, "", NOON)
    return Device.objects.get(path=path).kind


def test_who_a_device_is_makes_no_other_kind(client):
    assert kind(client, "a") == kind(client, "b") is not None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"memory": "8Gi"}, id="a property"),
        pytest.param({"peripherals": []}, id="one property more"),
        pytest.param({"memory": 4}, id="another type"),
        pytest.param({"labels": {"line": "4"}}, id="a label"),
        pytest.param({"cpus": [{"id": "b"}]}, id="an id further inside"),
    ],
)
def test_whatever_else_it_reports_does(client, other):
    assert kind(client, "a") != kind(client, "b", **other)


def test_a_label_is_no_property(client):
    assert kind(client, "a", labels={"x": "1"}) != kind(client, "b", x="1")


@pytest.mark.parametrize(
    "text",
    [r"\x41", r"\101", "\\", "'", '"', "%s", "ü 😀", "\n"],
    ids=["hex", "octal", "backslash", "quote", "quotes", "parameter", "letters", "line"],
)
def test_any_text_can_be_reported(client, text):
    assert kind(client, "a", memory=text) not in {None, kind(client, "b")}
    assert kind(client, "a", labels={text: text}) not in {None, kind(client, "b")}


def test_a_text_and_its_escape_are_two_kinds(client):
    assert kind(client, "a", memory=r"\\") != kind(client, "b", memory="\\")


def test_there_is_none_before_the_first_report(client):
    Device.objects.create(client=client, path="a", created_at=NOON)
    assert Device.objects.get().kind is None


def test_it_follows_also_what_is_written_past_the_registry(client):
    """As an older version does that still takes reports."""
    before = kind(client, "a")
    Device.objects.update(properties={"memory": "1Ki"})
    assert Device.objects.get().kind not in {None, before}


def test_properties_that_are_no_object_have_no_kind_and_can_be_stored(client):
    kind(client, "a")
    Device.objects.update(properties=Value("text", output_field=JSONField()))
    assert Device.objects.get().kind is None
