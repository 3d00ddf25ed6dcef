"""A device tells what it is, over a real mutual-TLS connection."""

import json
from collections.abc import Callable
from typing import cast

import httpx
import pytest
from django.conf import LazySettings

from devices import presence
from devices.models import Client, Device, DeviceLabel
from devices.southbound import capabilities
from tests.devices.descriptions import Document, assert_problem, changed, document, hosting, url
from tests.e2e.running import until
from tests.wire import Wire

ROUTES = capabilities.ROUTES


def test_a_new_device_is_created_and_a_known_one_updated(device: httpx.Client) -> None:
    first = hosting()
    assert device.put(url("press-1"), json={**first, "labels": {"line": "4"}}).status_code == 201
    assert device.put(url("press-1"), json=document(vendor="Beta")).status_code == 200
    row = Device.objects.get()
    assert (row.path, row.vendor, row.model_number, row.serial_number) == (
        "press-1",
        "Beta",
        "P2",
        "0042",
    )
    assert row.properties == document(vendor="Beta")["properties"]
    assert row.reported_labels == {}
    assert not DeviceLabel.objects.exists()


def test_the_document_is_kept_as_it_came(device: httpx.Client) -> None:
    text = json.dumps({**hosting(), "x-acme-extensions": {"colour": ["red", 1.50]}}, indent=3)
    assert device.put(url("press-1"), content=text).status_code == 201
    assert Device.objects.get().capabilities == text


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"apiVersion": "device.margo/v1", "kind": "DeviceCapabilities"}, id="older"),
        pytest.param({"x-acme-extensions": {"a": 1}}, id="an extension"),
        pytest.param({"x-acme-extensions": "not an object"}, id="an odd extension"),
        pytest.param({"unheard": ["of"]}, id="an unknown member"),
    ],
)
def test_what_we_do_not_know_is_ignored(device: httpx.Client, extra: Document) -> None:
    assert device.put(url("press-1"), json={**hosting(), **extra}).status_code == 201


def test_a_body_may_come_in_chunks(device: httpx.Client) -> None:
    text = json.dumps(hosting()).encode()
    chunks = (text[start : start + 7] for start in range(0, len(text), 7))
    assert device.put(url("press-1"), content=chunks).status_code == 201
    assert Device.objects.get().capabilities == text.decode()


def test_a_connection_may_serve_one_request(device: httpx.Client) -> None:
    for status in (201, 200, 200):
        answer = device.put(url("press-1"), json=hosting(), headers={"Connection": "close"})
        assert answer.status_code == status
        assert answer.headers["connection"] == "close"


def test_a_child_may_be_written_with_a_slash_or_an_encoded_one(device: httpx.Client) -> None:
    device.put(url("gw"), json=document("gw"))
    assert device.put(url("gw/path1/cam"), json=document("gw/path1/cam")).status_code == 201
    assert device.put(url("gw%2Fpath1%2fcam"), json=document("gw/path1/cam")).status_code == 200
    assert set(Device.objects.values_list("path", flat=True)) == {"gw", "gw/path1/cam"}


def test_a_child_before_its_gateway_is_refused(device: httpx.Client) -> None:
    answer = device.put(url("gw/cam"), json=document("gw/cam"))
    assert_problem(answer, 404, "gateway-not-found")
    assert not Device.objects.exists()


def test_a_gateway_that_is_another_clients_is_none(wire: Wire, device: httpx.Client) -> None:
    with wire.client("line-5") as other:
        other.put(url("gw"), json=document("gw"))
    assert_problem(device.put(url("gw/cam"), json=document("gw/cam")), 404, "gateway-not-found")


def test_two_clients_may_use_one_device_id(wire: Wire, device: httpx.Client) -> None:
    with wire.client("line-5") as other:
        assert other.put(url("press-1"), json=hosting()).status_code == 201
    assert device.put(url("press-1"), json=hosting()).status_code == 201
    assert Device.objects.count() == 2


LABELS = {"text": "a", "number": 4, "whole": 4.0, "part": 1.5, "yes": True, "many": ["a", "b", "a"]}


def test_labels_become_rows_for_selectors(device: httpx.Client) -> None:
    answer = device.put(url("press-1"), json={**hosting(), "labels": {**LABELS, "nums": [1, 2.5]}})
    assert answer.status_code == 201
    assert set(DeviceLabel.objects.values_list("key", "value")) == {
        ("text", "a"),
        ("number", "4"),
        ("whole", "4"),
        ("part", "1.5"),
        ("yes", "true"),
        ("many", "a"),
        ("many", "b"),
        ("nums", "1"),
        ("nums", "2.5"),
    }


def test_an_assigned_label_wins_and_survives_a_report(device: httpx.Client) -> None:
    device.put(url("press-1"), json={**hosting(), "labels": {"line": "4", "hall": "7"}})
    Device.objects.update(assigned_labels={"line": "9"})
    device.put(url("press-1"), json={**hosting(), "labels": {"line": "5", "hall": "8"}})
    assert set(DeviceLabel.objects.values_list("key", "value")) == {("line", "9"), ("hall", "8")}


def test_an_unknown_deployment_type_can_be_read_as_custom(
    device: httpx.Client, settings: LazySettings
) -> None:
    settings.MARGO_UNKNOWN_DEPLOYMENT_TYPE = "custom"
    body = changed(supportedDeploymentTypes=["swarm", "helm"])
    assert device.put(url("press-1"), json=body).status_code == 201
    row = Device.objects.get()
    assert cast("Document", row.properties)["supportedDeploymentTypes"] == ["custom", "helm"]
    assert "swarm" in row.capabilities


def test_a_device_that_is_deleted_goes_with_its_children(device: httpx.Client) -> None:
    for path in ("gw", "gw/cam", "gw/cam/lens", "GW", "GW/cam", "gw2"):
        assert device.put(url(path), json=document(path)).status_code == 201
    answer = device.delete(url("gw"))
    assert (answer.status_code, answer.content) == (204, b"")
    present = Device.objects.present().values_list("path", flat=True)
    assert set(present) == {"GW", "GW/cam", "gw2"}
    assert Device.objects.count() == 6


def test_a_device_can_be_deleted_once(device: httpx.Client) -> None:
    device.put(url("press-1"), json=hosting())
    device.delete(url("press-1"))
    assert_problem(device.delete(url("press-1")), 404, "device-not-found")
    assert_problem(device.delete(url("never")), 404, "device-not-found")


def test_nobody_deletes_another_clients_device(wire: Wire, device: httpx.Client) -> None:
    device.put(url("press-1"), json=hosting())
    with wire.client("line-5") as other:
        assert_problem(other.delete(url("press-1")), 404, "device-not-found")
    assert Device.objects.present().exists()


def test_a_device_that_comes_back_is_created_again_in_its_old_row(device: httpx.Client) -> None:
    device.put(url("press-1"), json=hosting())
    before = Device.objects.get()
    device.delete(url("press-1"))
    assert device.put(url("press-1"), json=hosting()).status_code == 201
    after = Device.objects.get()
    assert (after.pk, after.created_at, after.removed_at) == (before.pk, before.created_at, None)


def test_a_child_of_a_deleted_gateway_must_wait(device: httpx.Client) -> None:
    device.put(url("gw"), json=document("gw"))
    device.delete(url("gw"))
    assert_problem(device.put(url("gw/cam"), json=document("gw/cam")), 404, "gateway-not-found")


@pytest.mark.parametrize(
    ("change", "title"),
    [
        pytest.param(lambda: Client.objects.all().delete(), "Not Authorized", id="unknown"),
        pytest.param(
            lambda: Client.objects.update(state="pending"), "Not Authorized", id="pending"
        ),
        pytest.param(
            lambda: Client.objects.update(state="retired"),
            "Client Relationship Retired",
            id="retired",
        ),
    ],
)
def test_policy_is_asked_at_every_request_of_an_open_connection(
    device: httpx.Client, change: Callable[[], object], title: str
) -> None:
    assert device.delete(url("press-1")).status_code == 404
    # What was heard until now is written behind, in two steps: it must not count as a change.
    presence.flush()
    written = Client.objects.exclude(svid_not_after=None).exclude(last_seen_at=None)
    until(written.exists, seconds=10, what="the writing of what was heard")
    change()
    rows = list(Client.objects.values())
    for answer in (device.put(url("press-1"), json=hosting()), device.delete(url("press-1"))):
        assert assert_problem(answer, 403, "not-authorized")["title"] == title
    presence.flush()
    assert not Device.objects.exists()
    assert list(Client.objects.values()) == rows


def test_nothing_that_is_proved_by_headers_counts(wire: Wire, device: httpx.Client) -> None:
    device.put(url("press-1"), json=hosting())
    names = ("Client-Cert", "X-Forwarded-For", "X-Forwarded-Client-Cert", "X-SSL-Client-Cert")
    with wire.client("line-5") as other:
        headers = dict.fromkeys(names, "spiffe://plant.example/margo/wfm/hall-7/client/line-4")
        answer = other.delete(url("press-1"), headers=headers)
    assert_problem(answer, 404, "device-not-found")
