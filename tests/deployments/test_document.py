"""The bytes that devices fetch: exact, the same every time, and read alike by every device."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from deployments.document import deployment_name, digest, namespace_for
from tests.deployments.documents import (
    NOT_TEXT,
    OUR_SCHEMA,
    PARAMETERS,
    PROFILE,
    UID,
    document,
    published_schema,
)
from tests.shared import needs_shared

Json = dict[str, object]


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


@needs_shared
@pytest.mark.parametrize("changes", VARIANTS)
def test_every_document_obeys_the_published_schema(changes: Json) -> None:
    schema = published_schema("appDeploymentManifest")
    schema.validate(yaml.safe_load(document(**changes)))
    assert not schema.is_valid(yaml.safe_load(document(device_path="/press-4")))


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
