"""What the parser reads from a good description."""

import json

import pytest

from applications.package import parse
from tests.applications.descriptions import GOOD, described


def test_a_good_description_is_read_without_a_warning() -> None:
    package = parse(described())
    assert package.warnings == ()
    assert (package.app_id, package.name, package.api_version) == (
        "com-example-mixer",
        "Mixer",
        "v1",
    )


def test_a_version_is_the_text_that_was_written() -> None:
    assert parse(described()).version == "1.10"


def test_the_catalogue_entry_is_read() -> None:
    assert parse(described()).catalog.as_data() == {
        "tagline": "It mixes",
        "icon": "./resources/icon.svg",
        "description_file": "./resources/description.md",
        "licence_file": "./resources/license.txt",
        "release_notes": "./resources/release-notes.md",
        "site": "https://example.com",
        "tags": ["mixing"],
        "authors": [{"name": "Ada Example", "email": "ada@example.com"}],
        "organizations": [{"name": "Example Works", "site": "https://example.com"}],
    }


def test_a_profile_is_kept_in_its_authors_words() -> None:
    (profile,) = parse(described()).profiles
    data = profile.as_data()
    constraints = data.pop("deviceConstraints")
    assert data == {
        "id": "mixer-compose",
        "type": "compose",
        "description": "In a container.",
        "components": [
            {
                "name": "mixer",
                "properties": {
                    "repository": "oci://registry.example.com/mixer",
                    "revision": "1.2.3",
                    "wait": False,
                    "timeout": "8m30s",
                },
                "extensions": {"x-example-component-extensions": {"a": 1}},
            }
        ],
        "extensions": {"x-example-profile-extensions": {"b": [2, "three"]}},
        "problem": None,
    }
    assert constraints == {
        "capacityRequirements": {
            "cpu": {"cores": 1.5, "architectures": ["amd64"]},
            "memory": "59 Gi",
            "storage": "1Ti",
        },
        "eligibilityRules": [
            {
                "propertySelector": {
                    "matchExpressions": [
                        {"key": "/vendor", "operator": "NotIn", "values": ["Acme"]},
                        {
                            "key": "/peripherals",
                            "operator": "ContainsAny",
                            "itemSelector": {
                                "matchExpressions": [
                                    {"key": "/type", "operator": "In", "values": ["gpu"]}
                                ]
                            },
                        },
                    ]
                },
                "labelSelector": {
                    "matchExpressions": [
                        {"key": "line", "operator": "Gt", "values": ["3"]},
                        {"key": "spare", "operator": "DoesNotExist"},
                    ]
                },
            }
        ],
    }


def test_constraints_are_absent_from_a_profile_without_any() -> None:
    start, end = GOOD.index("    deviceConstraints"), GOOD.index("    x-example-profile")
    (profile,) = parse((GOOD[:start] + GOOD[end:]).encode()).profiles
    assert "deviceConstraints" not in profile.as_data()


def test_parameters_sections_schemas_and_extensions_are_plain_data() -> None:
    data = parse(described()).as_data()
    assert data["parameters"] == {
        "speed": {"value": 30, "targets": [{"pointer": "SPEED", "components": ["mixer"]}]},
        "mode": {"targets": [{"pointer": "MODE", "components": ["mixer"]}]},
    }
    assert data["sections"] == [
        {
            "name": "General",
            "settings": [
                {
                    "parameter": "speed",
                    "name": "Speed",
                    "description": "How fast.",
                    "immutable": False,
                    "schema": "speed",
                },
                {
                    "parameter": "mode",
                    "name": "Mode",
                    "description": "",
                    "immutable": True,
                    "schema": "mode",
                },
            ],
        }
    ]
    assert data["schemas"] == {
        "speed": {
            "name": "speed",
            "dataType": "integer",
            "minValue": 10,
            "maxValue": 60,
            "allowEmpty": False,
        },
        "mode": {
            "name": "mode",
            "dataType": "string",
            "options": ["1.10", "fast"],
            "allowEmpty": True,
        },
    }
    assert data["extensions"] == {"x-example-wfm-extensions": {"c": True}}
    assert json.loads(json.dumps(data)) == data


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        pytest.param("30", 30, id="a whole number"),
        pytest.param("0x1F", 31, id="a hexadecimal number"),
        pytest.param("1.50", 1.5, id="a decimal number"),
        pytest.param('"30"', "30", id="a number in quotes is text"),
        pytest.param("true", True, id="true"),
        pytest.param("yes", "yes", id="yes is text, as in YAML 1.2"),
        pytest.param("on", "on", id="on is text"),
        pytest.param("12:30:00", "12:30:00", id="a time is text"),
        pytest.param("2026-11-23", "2026-11-23", id="a date is text"),
        pytest.param("1_000", "1_000", id="underscores make text"),
        pytest.param("010", 10, id="a leading zero is no octal number"),
        pytest.param("[1, 2.5, x, false]", [1, 2.5, "x", False], id="a list"),
    ],
)
def test_a_default_has_the_type_of_yaml_1_2(value: str, meaning: object) -> None:
    package = parse(described(("value: 30", f"value: {value}")))
    assert package.parameters[0].default == meaning
    assert type(package.parameters[0].default) is type(meaning)


@pytest.mark.parametrize("nothing", ["value:", "value: null", "value: ~"])
def test_a_default_of_nothing_is_no_default(nothing: str) -> None:
    package = parse(described(("value: 30", nothing)))
    assert "value" not in package.parameters[0].as_data()


def test_an_anchor_stands_for_what_it_names() -> None:
    raw = described(
        ("- {pointer: SPEED, components: [mixer]}", "- {pointer: SPEED, components: &all [mixer]}"),
        ("- {pointer: MODE, components: [mixer]}", "- {pointer: MODE, components: *all}"),
    )
    assert parse(raw) == parse(described())


def test_a_byte_order_mark_and_dos_line_ends_are_read() -> None:
    raw = b"\xef\xbb\xbf" + described().replace(b"\n", b"\r\n")
    assert parse(raw) == parse(described())
