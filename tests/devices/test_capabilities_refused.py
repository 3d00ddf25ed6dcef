"""What of a device's description is refused, and that nothing of it is kept."""

import json
from urllib.parse import unquote

import httpx
import pytest

from devices.models import Device
from devices.southbound import capabilities
from tests.devices.descriptions import (
    Document,
    assert_problem,
    changed,
    document,
    fields,
    hosting,
    url,
    without,
)

ROUTES = capabilities.ROUTES


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


def test_a_document_beyond_a_mebibyte_is_too_large(device: httpx.Client) -> None:
    body = json.dumps(changed(vendor="v" * (1024 * 1024 + 1))).encode()
    assert_problem(device.put(url("press-1"), content=body), 413, "")
    chunks = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    assert_problem(device.put(url("press-1"), content=chunks), 413, "")
    assert not Device.objects.exists()
