"""A device tells what it is, over a real mutual-TLS connection."""

import json
from collections.abc import Callable, Iterator
from typing import cast
from urllib.parse import unquote

import httpx
import pytest
from django.conf import LazySettings

from devices import presence
from devices.models import Client, Device, DeviceLabel
from devices.southbound import capabilities
from tests.e2e.running import until
from tests.wire import Wire

ROUTES = capabilities.ROUTES
TYPES = "https://docs.margo.org/specification/problem-types#"
Document = dict[str, object]


@pytest.fixture
def device(wire: Wire) -> Iterator[httpx.Client]:
    with wire.client("line-4") as client:
        yield client


def url(path: str) -> str:
    return f"/api/v1/capabilities/{path}"


def document(path: str = "press-1", **properties: object) -> Document:
    identity = {"id": path, "vendor": "Acme", "modelNumber": "P2", "serialNumber": "0042"}
    return {"properties": {**identity, **properties}}


def hosting(path: str = "press-1") -> Document:
    return document(
        path,
        cpus=[{"cores": 4, "architecture": "amd64"}, {"cores": 0.5}],
        memory="16Gi",
        storage="59 Gi",
        peripherals=[{"type": "gpu", "manufacturer": "Acme", "model": "G1"}],
        interfaces=[{"type": "ethernet"}],
        otelCollector=False,
        supportedRuntimes=["oci"],
        supportedDeploymentTypes=["helm", "compose"],
    )


def changed(**properties: object) -> Document:
    whole = hosting()
    return {"properties": {**cast("Document", whole["properties"]), **properties}}


def without(member: str) -> Document:
    properties = {**cast("Document", hosting()["properties"])}
    del properties[member]
    return {"properties": properties}


def assert_problem(answer: httpx.Response, status: int, kind: str) -> dict[str, object]:
    """Check everything that every problem document must have; return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, object] = answer.json()
    assert told["type"] == (TYPES + kind if kind else "about:blank")
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert told["instance"] == answer.request.url.raw_path.decode()
    assert (told["retryable"], told["backoffStrategy"]) == (False, "none")
    assert "retry-after" not in answer.headers
    return told


def fields(told: dict[str, object]) -> list[str]:
    return [error["field"] for error in cast("list[dict[str, str]]", told["errors"])]


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


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "properties", id="nothing in it"),
        pytest.param({"properties": []}, "properties", id="properties are a list"),
        pytest.param(without("id"), "properties.id", id="no id"),
        pytest.param(without("vendor"), "properties.vendor", id="no vendor"),
        pytest.param(without("modelNumber"), "properties.modelNumber", id="no model"),
        pytest.param(without("serialNumber"), "properties.serialNumber", id="no serial number"),
        pytest.param(changed(vendor=7), "properties.vendor", id="vendor is a number"),
        pytest.param(changed(id="press-2"), "properties.id", id="another id than the path"),
        pytest.param(changed(cpus=4), "properties.cpus", id="cpus are no list"),
        pytest.param(changed(cpus=[{}]), "properties.cpus[0].cores", id="no cores"),
        pytest.param(changed(cpus=[{"cores": True}]), "properties.cpus[0].cores", id="true cores"),
        pytest.param(
            changed(cpus=[{"cores": 1, "architecture": "mips"}]),
            "properties.cpus[0].architecture",
            id="unknown architecture",
        ),
        pytest.param(changed(memory="much"), "properties.memory", id="garbage memory"),
        pytest.param(changed(memory="16Ti"), "properties.memory", id="memory in Ti"),
        pytest.param(changed(memory="16GB"), "properties.memory", id="a decimal unit"),
        pytest.param(changed(memory=16), "properties.memory", id="memory without a unit"),
        pytest.param(changed(storage="-1Gi"), "properties.storage", id="negative storage"),
        pytest.param(
            changed(peripherals=[{"type": "fax"}]), "properties.peripherals[0].type", id="fax"
        ),
        pytest.param(
            changed(interfaces=["ethernet"]), "properties.interfaces[0]", id="interface as text"
        ),
        pytest.param(changed(otelCollector="no"), "properties.otelCollector", id="no as text"),
        pytest.param(changed(supportedRuntimes=[]), "properties.supportedRuntimes", id="empty"),
        pytest.param(
            changed(supportedRuntimes=["wasm"]), "properties.supportedRuntimes[0]", id="runtime"
        ),
        pytest.param(
            changed(supportedDeploymentTypes=[]), "properties.supportedDeploymentTypes", id="none"
        ),
        pytest.param(
            changed(supportedDeploymentTypes=["swarm"]),
            "properties.supportedDeploymentTypes[0]",
            id="unknown deployment type",
        ),
        pytest.param(
            changed(supportedDeploymentTypes=["custom"]), "labels", id="custom, no labels"
        ),
        pytest.param(changed(supportedRuntimes=["custom"]), "labels", id="custom runtime"),
        pytest.param({**hosting(), "labels": []}, "labels", id="labels are a list"),
        pytest.param({**hosting(), "labels": {"a": None}}, "labels.a", id="a label of nothing"),
        pytest.param({**hosting(), "labels": {"a": {}}}, "labels.a", id="a label of an object"),
        pytest.param({**hosting(), "labels": {"a": [1, "b"]}}, "labels.a", id="a mixed list"),
        pytest.param({**hosting(), "labels": {"a": [True]}}, "labels.a", id="a list of booleans"),
        pytest.param(
            {**hosting(), "labels": {f"k{number}": "x" for number in range(65)}},
            "labels",
            id="65 labels",
        ),
        pytest.param(
            {**hosting(), "labels": {"k": [str(number) for number in range(257)]}},
            "labels",
            id="257 values",
        ),
        pytest.param(changed(vendor="a\0b"), "properties.vendor", id="NUL"),
        pytest.param({**hosting(), "labels": {"a\0": "b"}}, "labels", id="NUL in a key"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_and_nothing_is_stored(
    device: httpx.Client, body: Document, field: str
) -> None:
    told = assert_problem(device.put(url("press-1"), json=body), 422, "semantic-error")
    assert field in fields(told)
    assert not Device.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="half"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
        pytest.param(b'{"a": "\xff"}', id="no UTF-8"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="Infinity"),
        pytest.param(b'{"a": 1e999}', id="a number beyond all"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="a number with 5000 digits"),
        pytest.param(b'{"a":' * 100 + b"1" + b"}" * 100, id="a hundred deep"),
        pytest.param(b"[" * 500_000, id="half a million deep"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="objects as deep"),
    ],
)
def test_a_body_that_is_no_json_object_is_malformed(device: httpx.Client, body: bytes) -> None:
    assert_problem(device.put(url("press-1"), content=body), 400, "invalid-request")
    assert not Device.objects.exists()


def test_half_a_character_cannot_be_kept(device: httpx.Client) -> None:
    body = json.dumps(changed(vendor="\ud800"))
    assert_problem(device.put(url("press-1"), content=body), 422, "semantic-error")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("a%20b", 422, id="a space"),
        pytest.param("%2e", 422, id="dot"),
        pytest.param("a/%2e%2e/b", 422, id="two dots inside"),
        pytest.param("%2e%2e", 422, id="encoded dots"),
        pytest.param("a//b", 422, id="an empty segment"),
        pytest.param("a/", 422, id="a slash at the end"),
        pytest.param("a%2F", 422, id="an encoded slash at the end"),
        pytest.param("%FF", 422, id="no UTF-8"),
        pytest.param("%C3%A4", 422, id="no ASCII"),
        pytest.param("x" * 600, 422, id="too long to keep"),
        pytest.param("", 404, id="nothing"),
        pytest.param("%00", 404, id="NUL"),
        pytest.param("x" * 3000, 414, id="too long to read"),
    ],
)
def test_what_is_no_device_id_is_refused(device: httpx.Client, path: str, status: int) -> None:
    # httpx tidies paths up; this is what a device may really send.
    request = device.build_request("PUT", url("x"), json=document(unquote(path)))
    request.url = request.url.copy_with(raw_path=url(path).encode())
    answer = device.send(request)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert not Device.objects.exists()


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


def test_a_document_beyond_a_mebibyte_is_too_large(device: httpx.Client) -> None:
    body = json.dumps(changed(vendor="v" * (1024 * 1024 + 1))).encode()
    assert_problem(device.put(url("press-1"), content=body), 413, "")
    chunks = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    assert_problem(device.put(url("press-1"), content=chunks), 413, "")
    assert not Device.objects.exists()


def test_nothing_that_is_proved_by_headers_counts(wire: Wire, device: httpx.Client) -> None:
    device.put(url("press-1"), json=hosting())
    names = ("Client-Cert", "X-Forwarded-For", "X-Forwarded-Client-Cert", "X-SSL-Client-Cert")
    with wire.client("line-5") as other:
        headers = dict.fromkeys(names, "spiffe://plant.example/margo/wfm/hall-7/client/line-4")
        answer = other.delete(url("press-1"), headers=headers)
    assert_problem(answer, 404, "device-not-found")
