"""The rules for single members: each row breaks one of them and names the member that says so."""

import pytest

from applications.package import PackageError, parse
from tests.applications.descriptions import described, older, refusal, warnings

COMPONENT = "deploymentProfiles[0].components[0]"
CONSTRAINTS = "deploymentProfiles[0].deviceConstraints"
CPU = f"{CONSTRAINTS}.capacityRequirements.cpu"
EXPRESSIONS = f"{CONSTRAINTS}.eligibilityRules[0].propertySelector.matchExpressions"
SPEED = "configuration.schema[0]"
MODE = "configuration.schema[1]"

SECOND_COMPONENT = (
    "      - name: mixer\n"
    "        properties: {repository: oci://registry.example.com/b, revision: 1.0.0}\n"
)
ORGANIZATION = "    organization:\n      - name: Example Works\n        site: https://example.com\n"


@pytest.mark.parametrize(
    ("old", "new", "field", "sentence"),
    [
        ("- name: mixer\n", "- name: Mixer\n", f"{COMPONENT}.name", "lower-case letters"),
        (
            "    deviceConstraints:",
            f"{SECOND_COMPONENT}    deviceConstraints:",
            "deploymentProfiles[0].components[1].name",
            "is the name of an earlier component of this profile too.",
        ),
        ("- {pointer: SPEED,", "- {", "parameters.speed.targets[0].pointer", "is missing."),
        (
            "SPEED, components: [mixer]",
            "SPEED, components: []",
            "parameters.speed.targets[0].components",
            "must not be empty.",
        ),
        ("cores: 1.5", "cores: 0", f"{CPU}.cores", "must be a number above 0."),
        ("cores: 1.5", "cores: two", f"{CPU}.cores", "must be a number above 0."),
        ("cores: 1.5, ", "", f"{CPU}.cores", "is missing."),
        ("[amd64]", "[x86_64]", f"{CPU}.architectures", "must be from amd64, arm64, arm"),
        (
            "values: [Acme]",
            "values: []",
            f"{EXPRESSIONS}[0].values",
            "must not be empty.",
        ),
        (", values: [Acme]", "", f"{EXPRESSIONS}[0].values", "is missing."),
        (
            "operator: NotIn, values: [Acme]",
            "operator: ContainsAll",
            f"{EXPRESSIONS}[0].itemSelector",
            "is missing.",
        ),
        (
            "matchExpressions: [{key: /type, operator: In, values: [gpu]}]",
            "matchExpressions: []",
            f"{EXPRESSIONS}[1].itemSelector.matchExpressions",
            "must not be empty.",
        ),
        (
            "operator: ContainsAny",
            "operator: Exists",
            f"{EXPRESSIONS}[1].itemSelector",
            "does not go with Exists.",
        ),
        (
            "x-example-profile-extensions: {b: [2, three]}",
            "x-example-profile-extensions: 3",
            "deploymentProfiles[0].x-example-profile-extensions",
            "must be a mapping, as every extension.",
        ),
        ("name: mode, dataType", "name: speed, dataType", f"{MODE}.name", "an earlier schema"),
        ("minValue: 10", "minValue: ten", f"{SPEED}.minValue", "must be a number."),
        ("minValue: 10", "minLength: 1.5", f"{SPEED}.minLength", "must be a whole number."),
        ("minValue: 10", "minLength: -1", f"{SPEED}.minLength", "must not be negative."),
        ("allowEmpty: false", "allowEmpty: no", f"{SPEED}.allowEmpty", "must be true or false."),
        ("options: [1.10, fast]", "options: []", f"{MODE}.options", "something to choose from."),
        ("options: [1.10, fast]", "options: fast", f"{MODE}.options", "must be a list"),
        ("options: [1.10, fast]", "options: [[a]]", f"{MODE}.options", "must be texts"),
        ("tags: [mixing]", "tags: mixing", "metadata.catalog.application.tags", "must be a list"),
        (ORGANIZATION, "", "metadata.catalog.organization", "is missing."),
        ("version: 1.10", "version: 1.0+b", "metadata.version", "as it is also a tag."),
        ("name: Mixer", f"name: {'x' * 201}", "metadata.name", "at most 200 characters."),
        ("id: mixer-compose", "id: ' '", "deploymentProfiles[0].id", "must not be empty."),
    ],
)
def test_a_broken_rule_is_found_where_it_is_broken(
    old: str, new: str, field: str, sentence: str
) -> None:
    with pytest.raises(PackageError) as refused:
        parse(described((old, new)))
    assert any(
        found.field == field and sentence in found.sentence for found in refused.value.findings
    ), refused.value.findings


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("revision: 1.2.3", "revision: 1.2.3-rc.1_build.5", id="a revision with all"),
        pytest.param("type: compose", "type: custom", id="the custom type"),
        pytest.param("architectures: [amd64]", "architectures: [other]", id="another processor"),
        pytest.param("values: [Acme]", "values: [1, 2.5]", id="numbers to compare with"),
        pytest.param("values: [Acme]", "values: [true]", id="one boolean to compare with"),
        pytest.param('values: ["3"]', "values: [3.5]", id="a number to exceed"),
        pytest.param("key: /vendor", "key: /cpus/0/a~1b", id="a long pointer"),
        pytest.param("memory: 59 Gi", "memory: 59Gi", id="memory without a space"),
        pytest.param("timeout: 8m30s", "timeout: 0m5s", id="a short timeout"),
    ],
)
def test_what_the_rules_allow_is_read_without_a_word(old: str, new: str) -> None:
    assert warnings(described((old, new))) == []


def test_a_rule_that_selects_nothing_is_mentioned() -> None:
    raw = described(("eligibilityRules:\n", "eligibilityRules:\n        - {}\n"))
    assert any("all devices match" in warning for warning in warnings(raw))


def test_constraints_are_held_to_the_rules_also_in_an_older_package() -> None:
    assert "capacityRequirements.memory" in refusal(older(("59 Gi", "59 GB")))


def test_an_older_package_may_lack_what_only_a_catalogue_needs() -> None:
    assert len(warnings(older((ORGANIZATION, "")))) == 1
