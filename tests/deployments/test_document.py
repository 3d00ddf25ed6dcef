"""The bytes that devices fetch: exact, the same every time, and read alike by every device."""

import gzip
import hashlib
import io
import json
import re
import tarfile
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from deployments.document import (
    application_deployment,
    bundle,
    deployment_name,
    digest,
    is_digest,
    manifest,
    namespace_for,
)
from deployments.yaml_text import yaml_text
from tests.shared import SHARED, needs_shared

Json = dict[str, object]

UID = "0b0b6dd4-6d64-4a3f-8b0a-3a3f4f0c2f10"
OTHER_UID = "5c1f8a52-2a44-4d0e-9a1c-7f3e1b2d4c6a"
PROFILE: Json = {
    "id": "on-docker",
    "type": "compose",
    "description": "Not for devices",
    "components": [
        {
            "name": "broker",
            "properties": {
                "timeout": "8m30s",
                "wait": False,
                "revision": "2.0.18_build.7",
                "repository": "oci://registry.example.org/compose/broker",
            },
            "extensions": {"x-acme-extensions": {"tier": "edge", "since": 1e20}},
        },
        {
            "name": "ui",
            "properties": {"repository": "oci://r.example.org/ui", "revision": "1.0.0"},
            "extensions": {},
        },
    ],
    "deviceConstraints": {
        "capacityRequirements": {"memory": "512Mi", "cpu": {"cores": 0.5}},
        "eligibilityRules": [
            {
                "labelSelector": {
                    "matchExpressions": [{"key": "on", "operator": "In", "values": ["no"]}]
                }
            }
        ],
    },
    "extensions": {"x-acme-extensions": {"ring": 2}, "license": "not an extension"},
    "problem": None,
}
PARAMETERS: dict[str, Json] = {
    "port": {"targets": [{"components": ["broker"], "pointer": "PORT"}], "value": 1883},
    "mode": {"value": "on", "targets": [{"pointer": "MODE", "components": ["broker", "ui"]}]},
}
NOT_TEXT = ["1e3", "0o17", "on", "12:30", "null", "~", "0x1F", "1_000", "", " ", "2026-11-23", "y"]


def document(**changes: object) -> bytes:
    arguments: Json = {
        "uid": UID,
        "name": "mosquitto-press-4",
        "namespace": "mosquitto",
        "device_path": "gateway-1/press-4",
        "application_id": "mosquitto",
        "profile": PROFILE,
        "parameters": PARAMETERS,
    }
    return application_deployment(**(arguments | changes))


def test_a_document_has_exactly_the_members_of_the_standard_in_its_order() -> None:
    written = yaml.safe_load(document())
    assert list(written) == ["id", "metadata", "spec"]
    assert list(written["metadata"]) == ["name", "namespace", "deviceId"]
    assert list(written["spec"]) == ["applicationId", "deploymentProfile", "parameters"]
    profile = written["spec"]["deploymentProfile"]
    assert list(profile) == ["type", "components", "deviceConstraints", "x-acme-extensions"]
    assert list(profile["components"][0]) == ["name", "properties", "x-acme-extensions"]
    properties = profile["components"][0]["properties"]
    assert list(properties) == ["repository", "revision", "wait", "timeout"]
    assert list(written["spec"]["parameters"]["port"]) == ["value", "targets"]


def test_labels_come_last_in_the_metadata_and_only_when_there_are_some() -> None:
    written = yaml.safe_load(document(labels={"b": "2", "applicationVersion": "1.10"}))
    assert list(written["metadata"]) == ["name", "namespace", "deviceId", "labels"]
    assert written["metadata"]["labels"] == {"applicationVersion": "1.10", "b": "2"}
    assert document(labels={}) == document()


def test_a_document_says_what_was_asked() -> None:
    written = yaml.safe_load(document())
    assert written["id"] == UID
    assert written["metadata"]["deviceId"] == "gateway-1/press-4"
    profile = written["spec"]["deploymentProfile"]
    assert profile["deviceConstraints"] == PROFILE["deviceConstraints"]
    assert profile["x-acme-extensions"] == {"ring": 2}
    assert profile["components"][0]["x-acme-extensions"] == {"tier": "edge", "since": 1e20}
    assert [component["name"] for component in profile["components"]] == ["broker", "ui"]
    assert written["spec"]["parameters"] == PARAMETERS


def test_wait_is_written_where_it_is_false() -> None:
    assert b"wait: false\n" in document()


def test_a_document_without_parameters_says_so() -> None:
    assert document(parameters={}).endswith(b"  parameters: {}\n")


def test_a_profile_without_constraints_writes_none() -> None:
    bare = {key: PROFILE[key] for key in ("type", "components")}
    written = yaml.safe_load(document(profile=bare))["spec"]["deploymentProfile"]
    assert list(written) == ["type", "components"]


def test_the_order_in_which_a_database_gives_members_back_does_not_matter() -> None:
    def reversed_members(value: object) -> object:
        if isinstance(value, dict):
            return {key: reversed_members(value[key]) for key in reversed(value)}
        return [reversed_members(item) for item in value] if isinstance(value, list) else value

    assert document() == document(
        profile=reversed_members(PROFILE), parameters=reversed_members(PARAMETERS)
    )


def test_a_retry_changes_the_digest_and_nothing_that_a_device_acts_on() -> None:
    first, again, third = document(), document(attempt=1), document(attempt=2)
    assert len({digest(first), digest(again), digest(third)}) == 3
    written = yaml.safe_load(third)
    assert written["spec"].pop("x-lineside-extensions") == {"attempt": 2}
    assert written == yaml.safe_load(first)


@pytest.mark.parametrize("text", NOT_TEXT)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    parameters = {text: {"value": text, "targets": [{"pointer": text, "components": [text]}]}}
    assert yaml.safe_load(document(parameters=parameters))["spec"]["parameters"] == parameters


TEXT = st.text(max_size=20) | st.sampled_from(NOT_TEXT)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, JSON, min_size=1, max_size=5))
def test_every_value_survives_a_yaml_1_1_reader(value: Json) -> None:
    read = yaml.safe_load(yaml_text(value))
    assert read == value
    assert repr(read) == repr(value)


# What YAML 1.2's core schema makes of a bare scalar.
NUMBER_1_2 = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+(e[+-][0-9]+)?)?")
WORDS_1_2 = {"null", "true", "false"}


@given(st.dictionaries(TEXT, JSON, min_size=1, max_size=5))
def test_every_bare_scalar_means_the_same_in_yaml_1_2(value: Json) -> None:
    """All that is not quoted is null, a boolean, a decimal number, or a key of ordinary letters."""
    ordinary = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
    for event in yaml.parse(yaml_text(value)):
        assert not isinstance(event, yaml.AliasEvent)
        if not isinstance(event, yaml.ScalarEvent) or event.style == '"':
            continue
        assert event.style is None
        number = NUMBER_1_2.fullmatch(event.value)
        assert number or event.value in WORDS_1_2 or ordinary.fullmatch(event.value)
        if ordinary.fullmatch(event.value) and event.value not in WORDS_1_2:
            assert yaml.safe_load(event.value) == event.value


@given(st.dictionaries(TEXT, JSON, min_size=1, max_size=5))
def test_the_same_value_gives_the_same_utf8_lines(value: Json) -> None:
    text = yaml_text(value)
    assert text == yaml_text(json.loads(json.dumps(value)))
    assert text.encode().decode() == text
    assert text.endswith("\n")


def test_a_repeated_part_is_written_twice() -> None:
    part = {"a": ["b"]}
    assert yaml_text({"one": part, "two": part}).count('- "b"') == 2


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(float("nan"), id="not a number"),
        pytest.param(float("inf"), id="infinite"),
        pytest.param("\ud83d", id="half a character"),
        pytest.param({"\udc00": 1}, id="half a character as a name"),
        pytest.param({"x" * 1001: 1}, id="a name without end"),
        pytest.param(UUID(UID), id="no JSON"),
    ],
)
def test_what_no_device_could_read_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match="YAML"):
        yaml_text({"value": value})


PLAIN_TEXT: Json = {"type": "string", "minLength": 1}
EXTENSIONS: Json = {"^x-[a-z][a-z0-9-]*-extensions$": {"type": "object"}}


def exactly(required: Json, optional: Json | None = None, **more: object) -> Json:
    """An object with these members and, apart from vendor extensions, no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


COMPONENT = exactly(
    {
        "name": PLAIN_TEXT,
        "properties": exactly(
            {
                "repository": {"type": "string", "pattern": "^oci://."},
                "revision": {"type": "string", "pattern": r"^\d+\.\d+\.\d+([-_][0-9A-Za-z.-]+)*$"},
            },
            {"wait": {"type": "boolean"}, "timeout": {"type": "string"}},
        ),
    },
    patternProperties=EXTENSIONS,
)
PARAMETER = exactly(
    {
        "value": {},
        "targets": {
            "type": "array",
            "items": exactly(
                {"pointer": PLAIN_TEXT, "components": {"type": "array", "items": PLAIN_TEXT}}
            ),
        },
    }
)
OUR_SCHEMA = exactly(
    {
        "id": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        "metadata": exactly(
            {
                "name": PLAIN_TEXT,
                "namespace": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"},
                "deviceId": {
                    "type": "string",
                    "pattern": r"^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*(/\*)?$",
                },
            },
            {"labels": {"type": "object", "additionalProperties": PLAIN_TEXT}},
        ),
        "spec": exactly(
            {
                "applicationId": {"type": "string", "pattern": "^[a-z0-9-]{1,200}$"},
                "deploymentProfile": exactly(
                    {
                        "type": {"enum": ["helm", "compose", "custom"]},
                        "components": {"type": "array", "items": COMPONENT, "minItems": 1},
                    },
                    {"deviceConstraints": {"type": "object"}},
                    patternProperties=EXTENSIONS,
                ),
                "parameters": {"type": "object", "additionalProperties": PARAMETER},
            },
            patternProperties=EXTENSIONS,
        ),
    }
)
VARIANTS = [
    pytest.param({}, id="compose on a child"),
    pytest.param({"profile": PROFILE | {"type": "helm"}}, id="helm"),
    pytest.param({"profile": PROFILE | {"type": "custom"}}, id="custom"),
    pytest.param({"parameters": {}}, id="without parameters"),
    pytest.param({"attempt": 3}, id="a retry"),
    pytest.param({"device_path": "press-4"}, id="a device of its own"),
    pytest.param({"device_path": "gateway-1/*"}, id="any child of a gateway"),
]


@pytest.mark.parametrize("changes", VARIANTS)
def test_every_document_obeys_the_standard(changes: Json) -> None:
    Draft202012Validator(OUR_SCHEMA).validate(yaml.safe_load(document(**changes)))


def published_schema(name: str) -> Draft202012Validator:
    """One schema of the published interface, without the three mistakes that it is known to have.

    It requires annotations that it does not define, knows no custom profiles although the text
    does, and writes names of nested members with dots.
    """
    path = SHARED / "margo/openapi/workload-management-api-1.0.0-rc.3.yaml"
    api = yaml.safe_load(path.read_text())
    schemas = api["components"]["schemas"]
    schemas["appDeploymentMetadata"]["required"].remove("annotations")
    schemas["appDeploymentProfile"]["properties"]["type"]["enum"].append("custom")
    required = schemas["UnsignedAppStateManifest"]["required"]
    required[:] = [member for member in required if "." not in member]
    return Draft202012Validator(api | {"$ref": f"#/components/schemas/{name}"})


@needs_shared
@pytest.mark.parametrize("changes", VARIANTS)
def test_every_document_obeys_the_published_schema(changes: Json) -> None:
    schema = published_schema("appDeploymentManifest")
    schema.validate(yaml.safe_load(document(**changes)))
    assert not schema.is_valid(yaml.safe_load(document(device_path="/press-4")))


@needs_shared
def test_every_manifest_obeys_the_published_schema() -> None:
    schema = published_schema("UnsignedAppStateManifest")
    schema.validate(json.loads(manifest(1, [], None)))
    schema.validate(json.loads(manifest(2, [(UID, DIGEST, 8)], (DIGEST, 9))))
    assert not schema.is_valid({"manifestVersion": 1, "deployments": []})


DIGEST = f"sha256:{'0a' * 32}"


@given(st.binary())
def test_a_digest_names_the_exact_bytes(data: bytes) -> None:
    assert digest(data) == "sha256:" + hashlib.sha256(data).hexdigest()
    assert is_digest(digest(data))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DIGEST.upper(), id="upper case"),
        pytest.param(DIGEST.replace("a", "A"), id="upper-case digits"),
        pytest.param(DIGEST[:-1], id="short"),
        pytest.param(DIGEST + "0", id="long"),
        pytest.param(DIGEST + "\n", id="a line end"),
        pytest.param(f" {DIGEST}", id="a space"),
        pytest.param(f'"{DIGEST}"', id="quoted"),
        pytest.param(DIGEST[7:], id="no algorithm"),
        pytest.param(DIGEST.replace("256", "512"), id="another algorithm"),
        pytest.param("", id="empty"),
    ],
)
def test_nothing_else_is_a_digest(text: str) -> None:
    assert not is_digest(text)


DOCUMENTS = st.dictionaries(st.uuids().map(str), st.binary(max_size=2000), min_size=1, max_size=5)


@given(DOCUMENTS)
def test_a_bundle_holds_exactly_the_documents_at_its_root(documents: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle(documents)), mode="r:gz") as archive:
        members = archive.getmembers()
        names = [member.name for member in members]
        assert names == [f"{uid}.yaml" for uid in sorted(documents)]
        for member in members:
            file = archive.extractfile(member)
            assert file is not None
            assert file.read() == documents[member.name.removesuffix(".yaml")]
            assert member.isreg()


@given(DOCUMENTS)
def test_a_bundle_depends_on_its_documents_alone(documents: dict[str, bytes]) -> None:
    assert bundle(documents) == bundle(dict(reversed(documents.items())))


def test_a_bundle_tells_neither_time_nor_owner_nor_platform() -> None:
    data = bundle({UID: b"id: x\n"})
    assert data[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        (member,) = archive.getmembers()
    assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
    assert member.mode == 0o644


def test_a_bundle_ends_where_its_gzip_stream_ends() -> None:
    data = bundle({UID: b"id: x\n"})
    size = int.from_bytes(data[-4:], "little")
    assert len(gzip.decompress(data)) == size


def test_an_empty_bundle_is_never_built() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bundle({})


def test_a_manifest_is_written_to_the_byte() -> None:
    other = DIGEST.replace("0a", "0b")
    written = manifest(3, [(OTHER_UID, other, 7), (UID, DIGEST, 812)], (other, 1234))
    assert written.decode() == (
        '{"manifestVersion":3,'
        '"bundle":{"mediaType":"application/vnd.margo.bundle.v1+tar+gzip",'
        f'"digest":"{other}","sizeBytes":1234,"url":"/api/v1/bundles/{other}"}},'
        '"deployments":['
        f'{{"deploymentId":"{UID}","digest":"{DIGEST}","sizeBytes":812,'
        f'"url":"/api/v1/deployments/{UID}/{DIGEST}"}},'
        f'{{"deploymentId":"{OTHER_UID}","digest":"{other}","sizeBytes":7,'
        f'"url":"/api/v1/deployments/{OTHER_UID}/{other}"}}]}}'
    )


def test_a_manifest_without_deployments_has_a_bundle_that_is_null() -> None:
    assert manifest(1, [], None) == b'{"manifestVersion":1,"bundle":null,"deployments":[]}'


def test_deployments_and_bundle_come_together() -> None:
    with pytest.raises(ValueError, match="exactly when"):
        manifest(1, [(UID, DIGEST, 1)], None)
    with pytest.raises(ValueError, match="exactly when"):
        manifest(1, [], (DIGEST, 1))


LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
IDS = st.from_regex(r"[-a-z0-9]{1,200}", fullmatch=True)


@given(IDS, st.text(max_size=80))
def test_names_are_labels_that_kubernetes_takes(application_id: str, device_path: str) -> None:
    assert LABEL.fullmatch(namespace_for(application_id))
    assert LABEL.fullmatch(deployment_name(application_id, device_path))


@given(st.lists(IDS, min_size=2, max_size=2, unique=True))
def test_two_applications_do_not_share_a_namespace(ids: list[str]) -> None:
    assert namespace_for(ids[0]) != namespace_for(ids[1])


@pytest.mark.parametrize(
    ("application_id", "namespace"),
    [
        pytest.param("mosquitto", "mosquitto", id="an id that is a label already"),
        pytest.param("a" * 63, "a" * 63, id="the longest label"),
        pytest.param("a" * 200, f"{'a' * 54}-c2a908d9", id="too long"),
        pytest.param("default", "app-37a8eec1", id="Kubernetes' own default"),
        pytest.param("kube-system", "app-88007f70", id="Kubernetes' own"),
    ],
)
def test_a_namespace_is_the_id_where_that_can_be(application_id: str, namespace: str) -> None:
    assert namespace_for(application_id) == namespace
