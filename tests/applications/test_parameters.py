"""A package's configuration decides which values it takes, and where they go."""

import pytest
import yaml

from applications.parameters import fields, resolve
from tests.applications.schemas import LEVELS, NUMBER, OPTIONAL, TEXT, WHOLE, YES_OR_NO
from tests.shared import SHARED, needs_shared

HELM = {"id": "on-kubernetes", "type": "helm", "components": [{"name": "broker"}, {"name": "ui"}]}
COMPOSE = {"id": "on-docker", "type": "compose", "components": [{"name": "stack"}]}
PARAMETERS: dict[str, dict[str, object]] = {
    "port": {
        "value": 1883,
        "targets": [
            {"pointer": "service.port", "components": ["broker", "stack"]},
            {"pointer": "PORT", "components": ["stack"]},
        ],
    },
    "siteName": {"targets": [{"pointer": "SITE", "components": ["stack"]}]},
    "adminPassword": {"targets": [{"pointer": "PASSWORD", "components": ["stack"]}]},
    "note": {"value": "hello", "targets": [{"pointer": "NOTE", "components": ["stack"]}]},
    "replicas": {"value": 2, "targets": [{"pointer": "replicas", "components": ["broker"]}]},
    "image": {"value": "plain", "targets": [{"pointer": "IMAGE", "components": ["stack"]}]},
}
SECTIONS: list[dict[str, object]] = [
    {
        "name": "Network",
        "settings": [
            {"parameter": "port", "name": "Port", "description": "MQTT", "schema": "port"},
            {"parameter": "replicas", "name": "Replicas", "schema": "count"},
        ],
    },
    {
        "name": "Site",
        "settings": [
            {"parameter": "siteName", "name": "Site", "schema": "optional", "immutable": True},
            {"parameter": "adminPassword", "name": "Password", "schema": "required"},
            {"parameter": "note", "name": "Note", "schema": "optional"},
        ],
    },
    {"name": "Scaling", "settings": [{"parameter": "replicas", "name": "R", "schema": "count"}]},
]
SCHEMAS: dict[str, dict[str, object]] = {
    "port": WHOLE | {"minValue": 1024, "maxValue": 65535},
    "count": WHOLE | {"minValue": 1},
    "optional": TEXT | OPTIONAL | {"minLength": 3},
    "required": TEXT | {"maxLength": 45},
}
PASSWORD = {"adminPassword": "correct horse"}


def values_of(answers: dict[str, object], **installed: object) -> dict[str, object]:
    resolution = resolve(PARAMETERS, SECTIONS, SCHEMAS, COMPOSE, PASSWORD | answers, installed)
    assert resolution.problems == {}
    return {name: parameter["value"] for name, parameter in resolution.values.items()}


def problems_of(answers: dict[str, object], **installed: object) -> dict[str, str]:
    return resolve(PARAMETERS, SECTIONS, SCHEMAS, COMPOSE, PASSWORD | answers, installed).problems


def test_defaults_stand_where_nothing_was_given() -> None:
    assert values_of({}) == {"port": 1883, "note": "hello", "image": "plain", **PASSWORD}


def test_a_given_value_wins_over_the_default() -> None:
    assert values_of({"port": 8883})["port"] == 8883


def test_only_targets_in_the_chosen_profile_stay() -> None:
    on_docker = resolve(PARAMETERS, SECTIONS, SCHEMAS, COMPOSE, PASSWORD).values
    on_kubernetes = resolve(PARAMETERS, SECTIONS, SCHEMAS, HELM, {}).values
    assert on_docker["port"]["targets"] == [
        {"pointer": "service.port", "components": ["stack"]},
        {"pointer": "PORT", "components": ["stack"]},
    ]
    assert on_kubernetes == {
        "port": {
            "value": 1883,
            "targets": [{"pointer": "service.port", "components": ["broker"]}],
        },
        "replicas": {
            "value": 2,
            "targets": [{"pointer": "replicas", "components": ["broker"]}],
        },
    }


def test_resolving_leaves_the_package_as_it_was() -> None:
    before = repr(PARAMETERS)
    resolve(PARAMETERS, SECTIONS, SCHEMAS, HELM, {})
    assert repr(PARAMETERS) == before


def test_an_optional_parameter_without_a_value_is_left_out() -> None:
    assert "siteName" not in values_of({})
    assert "siteName" not in values_of({"siteName": ""})


def test_a_default_can_be_emptied_where_empty_is_allowed() -> None:
    assert values_of({"note": ""})["note"] == ""
    assert "note" not in values_of({"note": None})


def test_a_required_parameter_without_a_value_is_a_problem() -> None:
    assert problems_of({"adminPassword": ""}) == {"adminPassword": "must not be empty"}
    assert resolve(PARAMETERS, SECTIONS, SCHEMAS, COMPOSE, {}).problems == {
        "adminPassword": "must not be empty"
    }


def test_a_given_value_must_obey_its_schema() -> None:
    assert problems_of({"port": 80}) == {"port": "must be at least 1024"}


def test_a_default_that_breaks_its_own_schema_must_be_replaced() -> None:
    package = PARAMETERS | {"port": PARAMETERS["port"] | {"value": 80}}
    refused = resolve(package, SECTIONS, SCHEMAS, COMPOSE, PASSWORD)
    assert refused.problems == {"port": "must be at least 1024"}
    assert resolve(package, SECTIONS, SCHEMAS, COMPOSE, PASSWORD | {"port": 8080}).problems == {}


def test_a_value_for_another_profile_is_neither_used_nor_refused() -> None:
    assert "replicas" not in values_of({"replicas": 0})


def test_unknown_names_and_those_without_a_setting_are_refused() -> None:
    assert problems_of({"colour": "red", "image": "other"}) == {
        "colour": "is not a parameter of this application",
        "image": "has no setting, so it keeps its default",
    }


def test_an_immutable_value_stays_once_it_is_installed() -> None:
    assert values_of({}, siteName="Bruges")["siteName"] == "Bruges"
    assert values_of({"siteName": "Bruges"}, siteName="Bruges")["siteName"] == "Bruges"
    assert problems_of({"siteName": "Ghent"}, siteName="Bruges") == {
        "siteName": "cannot be changed once it is installed"
    }


def test_an_immutable_value_that_was_never_used_can_still_be_chosen() -> None:
    assert values_of({"siteName": "Ghent"}, port=1883)["siteName"] == "Ghent"


def test_other_values_may_change_when_installed() -> None:
    assert values_of({"port": 8883}, port=1883)["port"] == 8883


def test_true_is_not_the_number_it_equals_in_python() -> None:
    package = {"flag": {"targets": [{"pointer": "F", "components": ["stack"]}]}}
    setting = {"parameter": "flag", "name": "Flag", "schema": "whole", "immutable": True}
    sections = [{"name": "All", "settings": [setting]}]
    changed = resolve(package, sections, {"whole": WHOLE}, COMPOSE, {"flag": True}, {"flag": 1})
    assert changed.problems == {"flag": "cannot be changed once it is installed"}


def test_the_form_shows_the_settings_that_matter_in_the_profile() -> None:
    on_docker = fields(SECTIONS, SCHEMAS, PARAMETERS, COMPOSE)
    assert [(section.name, [one.name for one in section.fields]) for section in on_docker] == [
        ("Network", ["port"]),
        ("Site", ["siteName", "adminPassword", "note"]),
    ]
    on_kubernetes = fields(SECTIONS, SCHEMAS, PARAMETERS, HELM)
    assert [section.name for section in on_kubernetes] == ["Network", "Scaling"]


def test_a_field_carries_what_a_form_needs() -> None:
    network, site = fields(SECTIONS, SCHEMAS, PARAMETERS, COMPOSE)
    port, (name, password, _) = network.fields[0], site.fields
    assert (port.label, port.help, port.kind, port.default) == ("Port", "MQTT", "integer", 1883)
    assert (port.min_value, port.max_value, port.required) == (1024, 65535, True)
    assert (name.kind, name.immutable, name.required, name.min_length) == ("text", True, False, 3)
    assert (password.secret, name.secret, password.max_length) == (True, False, 45)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        pytest.param(TEXT, "text", id="text"),
        pytest.param(WHOLE, "integer", id="integer"),
        pytest.param(NUMBER, "number", id="number"),
        pytest.param(YES_OR_NO, "boolean", id="boolean"),
        pytest.param(TEXT | LEVELS, "select", id="select"),
        pytest.param(TEXT | LEVELS | {"multiselect": True}, "multiselect", id="multiselect"),
        pytest.param(LEVELS | {"dataType": "array[string]"}, "multiselect", id="list of options"),
        pytest.param({"dataType": "array[double]"}, "list", id="list"),
    ],
)
def test_each_schema_has_its_kind_of_field(schema: dict[str, object], kind: str) -> None:
    (section,) = fields(SECTIONS[:1], {"port": schema}, PARAMETERS, COMPOSE)
    assert section.fields[0].kind == kind


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        pytest.param("mysqlRootPassword", True, id="password"),
        pytest.param("api_key", True, id="key"),
        pytest.param("clientSecret", True, id="secret"),
        pytest.param("accessToken", True, id="token"),
        pytest.param("keyboardLayout", False, id="not every key"),
        pytest.param("siteName", False, id="ordinary"),
    ],
)
def test_names_give_secrets_away(name: str, secret: bool) -> None:
    parameter = {name: {"targets": [{"pointer": "P", "components": ["stack"]}]}}
    sections = [{"name": "", "settings": [{"parameter": name, "name": "", "schema": "text"}]}]
    (section,) = fields(sections, {"text": TEXT}, parameter, COMPOSE)
    assert section.fields[0].secret is secret
    assert section.fields[0].label == name


@needs_shared
def test_the_published_example_is_resolved_as_the_standard_shows_it() -> None:
    path = SHARED / "margo/examples/ApplicationDescription-002.repaired.yaml"
    package = yaml.safe_load(path.read_text())
    configuration = package["configuration"]
    schemas = {schema["name"]: schema for schema in configuration["schema"]}
    answers: dict[str, object] = {
        "idpProvider": "aad",
        "idpClientId": "123-ABC",
        "idpUrl": "https://idp.example.org/v2",
        "adminName": "Some One",
        "adminPrincipalName": "someone@example.org",
        "pollFrequency": 120,
        "siteId": "SID-123-ABC",
    }
    compose = package["deploymentProfiles"][1]
    resolution = resolve(
        package["parameters"], configuration["sections"], schemas, compose, answers
    )
    assert resolution.problems == {}
    assert {name: one["value"] for name, one in resolution.values.items()} == answers | {
        "idpName": "test"
    }
    assert resolution.values["siteId"]["targets"] == [
        {"pointer": "SITE_ID", "components": ["digitron-orchestrator-docker"]}
    ]
