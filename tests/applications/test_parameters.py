"""A package's configuration decides which values it takes, and where they go."""

import math
import time
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from applications.parameters import fields, problem_with, read, resolve
from tests.shared import SHARED, needs_shared

TEXT = {"name": "text", "dataType": "string"}
WHOLE = {"name": "whole", "dataType": "integer"}
NUMBER = {"name": "number", "dataType": "double"}
YES_OR_NO = {"name": "yesOrNo", "dataType": "boolean"}
OPTIONAL = {"allowEmpty": True}
LEVELS = {"options": ["debug", "info"]}
MAIL = TEXT | {"regexMatch": ".*@[a-z0-9.-]*"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param(TEXT, "line 4", id="text"),
        pytest.param(TEXT | {"minLength": 3, "maxLength": 3}, "abc", id="exactly the length"),
        pytest.param(MAIL, "ann@example.org", id="text that matches"),
        pytest.param(TEXT | {"regexMatch": "(["}, "a", id="a broken pattern is not checked"),
        pytest.param(WHOLE, 0, id="zero is not empty"),
        pytest.param(WHOLE | {"minValue": 30, "maxValue": 360}, 30, id="the least"),
        pytest.param(WHOLE | {"minValue": 30, "maxValue": 360}, 360, id="the most"),
        pytest.param(NUMBER, 1, id="a whole number is a double"),
        pytest.param(NUMBER | {"maxPrecision": 1}, 0.5, id="decimals"),
        pytest.param(NUMBER | {"minPrecision": 2}, 0.25, id="enough decimals"),
        pytest.param(NUMBER | {"maxPrecision": 2}, 1e-2, id="decimals of an exponent"),
        pytest.param(YES_OR_NO, False, id="false is not empty"),
        pytest.param(TEXT | LEVELS, "info", id="an option"),
        pytest.param(TEXT | LEVELS | {"multiselect": True}, ["info", "debug"], id="two options"),
        pytest.param(TEXT | {"dataType": "array[string]"}, ["a", "b"], id="list of text"),
        pytest.param(TEXT | {"dataType": "array[integer]"}, [1, 2], id="list of whole numbers"),
        pytest.param(TEXT | {"dataType": "array[double]"}, [1, 2.5], id="list of numbers"),
        pytest.param(TEXT | {"dataType": "array[boolean]"}, [True, False], id="list of booleans"),
        pytest.param(WHOLE | {"options": ["1", "2"]}, 2, id="options are written as text"),
        pytest.param(TEXT | OPTIONAL | {"minLength": 5}, "", id="empty although it has a length"),
        pytest.param(WHOLE | OPTIONAL, None, id="no number where empty is allowed"),
        pytest.param(TEXT | OPTIONAL | {"dataType": "array[string]"}, [], id="an empty list"),
        pytest.param(WHOLE | {"minValue": "many"}, 1, id="a limit that is no number"),
    ],
)
def test_a_value_that_obeys_its_schema_has_no_problem(
    schema: dict[str, object], value: object
) -> None:
    assert problem_with(schema, value) is None


def test_a_pattern_that_takes_for_ever_is_given_up() -> None:
    begun = time.monotonic()
    schema = TEXT | {"regexMatch": "(a|aa)+"}
    problem = problem_with(schema, "a" * 60 + "b")
    assert problem == "takes too long to be checked against the pattern (a|aa)+"
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        pytest.param(TEXT, "", "must not be empty", id="empty text"),
        pytest.param(TEXT | {"allowEmpty": False}, None, "must not be empty", id="nothing"),
        pytest.param(TEXT | {"allowEmpty": "yes"}, "", "must not be empty", id="only true allows"),
        pytest.param(TEXT, 4, "must be text", id="a number as text"),
        pytest.param(TEXT, True, "must be text", id="a boolean as text"),
        pytest.param(
            TEXT, "a\0", "must not contain characters that cannot be stored", id="a null character"
        ),
        pytest.param(
            TEXT, "\ud83d", "must not contain characters that cannot be stored", id="half a smiley"
        ),
        pytest.param(
            TEXT | {"minLength": 5}, "abcd", "must be at least 5 characters", id="too short"
        ),
        pytest.param(
            TEXT | {"maxLength": 45}, "x" * 46, "must be at most 45 characters", id="too long"
        ),
        pytest.param(
            MAIL,
            "ann@example.org, and more",
            "must match the pattern .*@[a-z0-9.-]*",
            id="something behind the match",
        ),
        pytest.param(
            MAIL,
            "ann@example.org\n",
            "must match the pattern .*@[a-z0-9.-]*",
            id="a line end behind the match",
        ),
        pytest.param(
            MAIL, "@" * 10_001, "must be at most 10000 characters", id="too long for a pattern"
        ),
        pytest.param(WHOLE, True, "must be a whole number", id="a boolean is no number"),
        pytest.param(WHOLE, 3.0, "must be a whole number", id="a double is no whole number"),
        pytest.param(WHOLE, "3", "must be a whole number", id="text is no number"),
        pytest.param(WHOLE, 2**63, "must fit into 64 bits", id="too large for devices"),
        pytest.param(WHOLE | {"minValue": 30}, 29, "must be at least 30", id="below the least"),
        pytest.param(WHOLE | {"maxValue": 360}, 361, "must be at most 360", id="above the most"),
        pytest.param(NUMBER, False, "must be a number", id="false is no number"),
        pytest.param(NUMBER, math.nan, "must be a number", id="not a number"),
        pytest.param(NUMBER, math.inf, "must be a number", id="infinite"),
        pytest.param(
            NUMBER | {"maxPrecision": 1}, 0.25, "must have at most 1 decimal places", id="too fine"
        ),
        pytest.param(
            NUMBER | {"minPrecision": 2},
            0.5,
            "must have at least 2 decimal places (zeros at the end do not count)",
            id="too coarse",
        ),
        pytest.param(YES_OR_NO, 1, "must be true or false", id="1 is not true"),
        pytest.param(YES_OR_NO, "true", "must be true or false", id="text is not true"),
        pytest.param(TEXT | LEVELS, "trace", "must be one of debug, info", id="no such option"),
        pytest.param(
            TEXT | LEVELS | {"multiselect": True}, "info", "must be a list", id="one, not a list"
        ),
        pytest.param(
            TEXT | LEVELS | {"multiselect": True},
            ["info", "trace"],
            "has an item, number 2, that must be one of debug, info",
            id="one of the options does not exist",
        ),
        pytest.param(
            TEXT | {"dataType": "array[integer]"},
            [1, True],
            "has an item, number 2, that must be a whole number",
            id="a list with a stranger",
        ),
        pytest.param(
            TEXT | {"dataType": "array[string]"},
            ["a", ""],
            "has an item, number 2, that must not be empty",
            id="a list with an empty item",
        ),
        pytest.param(
            TEXT | {"dataType": "date"},
            "2026-01-01",
            "has the data type 'date', which this portal does not know",
            id="an unknown data type",
        ),
    ],
)
def test_a_value_that_breaks_its_schema_is_told_why(
    schema: dict[str, object], value: object, problem: str
) -> None:
    assert problem_with(schema, value) == problem


@given(st.decimals(-(10**9), 10**9, places=3).map(lambda number: number.normalize()))
def test_decimal_places_are_counted_as_people_count_them(number: Decimal) -> None:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    written = -min(exponent, 0)
    exact = NUMBER | {"maxPrecision": written, "minPrecision": written}
    assert problem_with(exact, float(number)) is None
    assert written == 0 or problem_with(NUMBER | {"maxPrecision": written - 1}, float(number))


@given(st.integers() | st.text() | st.booleans() | st.none() | st.floats() | st.lists(st.text()))
def test_any_value_gets_an_answer(value: object) -> None:
    for schema in (TEXT, WHOLE, NUMBER, YES_OR_NO, MAIL, TEXT | {"dataType": "array[double]"}):
        assert problem_with(schema, value) != ""


@pytest.mark.parametrize(
    ("schema", "typed", "value"),
    [
        pytest.param(TEXT, " as typed ", " as typed ", id="text keeps its spaces"),
        pytest.param(TEXT, "", "", id="empty text"),
        pytest.param(WHOLE, " 30 ", 30, id="whole number"),
        pytest.param(WHOLE, "-3", -3, id="negative"),
        pytest.param(WHOLE, "", None, id="no number"),
        pytest.param(NUMBER, "0.5", 0.5, id="number"),
        pytest.param(NUMBER, " ", None, id="only a space"),
        pytest.param(YES_OR_NO, "on", True, id="ticked"),
        pytest.param(YES_OR_NO, [], False, id="not ticked"),
        pytest.param(TEXT | LEVELS, "info", "info", id="picked"),
        pytest.param(TEXT | LEVELS, ["info"], "info", id="picked from a form that sends lists"),
        pytest.param(
            TEXT | LEVELS | {"multiselect": True}, ["info", "debug"], ["info", "debug"], id="two"
        ),
        pytest.param(TEXT | {"dataType": "array[integer]"}, "1\n\n 2 \r\n", [1, 2], id="lines"),
        pytest.param(TEXT | {"dataType": "array[string]"}, "", [], id="no lines"),
    ],
)
def test_what_a_person_typed_becomes_the_data_type(
    schema: dict[str, object], typed: str | list[str], value: object
) -> None:
    result = read(schema, typed)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("schema", "typed", "sentence"),
    [
        pytest.param(WHOLE, "3.0", "must be a whole number", id="decimals"),
        pytest.param(WHOLE, "٣", "must be a whole number", id="other digits"),
        pytest.param(WHOLE, "9" * 5000, "must be a whole number", id="endless"),
        pytest.param(NUMBER, "0,5", "with a point for the decimals", id="a comma"),
        pytest.param(NUMBER, "nan", "must be a number", id="not a number"),
        pytest.param(YES_OR_NO, "perhaps", "must be true or false", id="neither"),
        pytest.param(TEXT | {"dataType": "date"}, "today", "does not know", id="unknown type"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    schema: dict[str, object], typed: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        read(schema, typed)


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
