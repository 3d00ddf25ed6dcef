"""What the parser refuses with line and field, and what it only mentions."""

import pytest

from applications.package import PackageError, parse
from tests.applications.descriptions import GOOD, described, refusal, warnings

REPOSITORY = "deploymentProfiles[0].components[0].properties.repository"
GOOD_PROFILE = GOOD[GOOD.index("  - id: mixer-compose") : GOOD.index("parameters:\n")]


def line_of_change(old: str) -> int:
    """The line of the good description in which `old` begins."""
    return GOOD.count("\n", 0, GOOD.index(old)) + 1


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        pytest.param(
            "oci://registry",
            "https://registry",
            f'{REPOSITORY}: must begin with "oci://".',
            id="a repository that is no registry",
        ),
        pytest.param(
            "apiVersion: v1",
            "apiVersions: v1",
            'apiVersions: is not known; probably "apiVersion" was meant.',
            id="a misspelt member",
        ),
        pytest.param(
            "apiVersion: v1",
            "apiVersion: v2",
            'apiVersion: must be "v1" (or "margo.org/v1-alpha1" in an older package).',
            id="an unknown format",
        ),
        pytest.param("  name: Mixer\n", "", "metadata.name: is missing.", id="no name"),
        pytest.param(
            "  name: Mixer\n", "  name:\n", "metadata.name: is missing.", id="an empty name"
        ),
        pytest.param(
            "name: Mixer",
            "name: [Mixer]",
            "metadata.name: must be text, not a list.",
            id="a list for a text",
        ),
        pytest.param(
            "id: com-example",
            "id: com.example",
            "id: must be 1 to 200 lower-case letters, digits and dashes.",
            id="dots in an id of today",
        ),
        pytest.param(
            "revision: 1.2.3",
            "revision: v1.2.3",
            "deploymentProfiles[0].components[0].properties.revision: must be a semantic "
            'version such as 1.2.3, without "v", its "+" written as "_".',
            id="a v before the revision",
        ),
        pytest.param(
            "type: compose",
            "type: helm.v3",
            "deploymentProfiles[0].type: must be helm, compose or custom.",
            id="an older type in a package of today",
        ),
        pytest.param(
            "wait: false",
            "wait: yes",
            "deploymentProfiles[0].components[0].properties.wait: must be true or false.",
            id="a word for a flag",
        ),
        pytest.param(
            "memory: 59 Gi",
            "memory: 59 GB",
            "deploymentProfiles[0].deviceConstraints.capacityRequirements.memory: "
            "must be a whole number with Ki, Mi or Gi, such as 512Mi.",
            id="a decimal unit of memory",
        ),
        pytest.param(
            "values: [Acme]",
            "values: [Acme, 3]",
            "deploymentProfiles[0].deviceConstraints.eligibilityRules[0]"
            ".propertySelector.matchExpressions[0].values: "
            "must be texts, or numbers, or one of true and false.",
            id="values of two types",
        ),
        pytest.param(
            'operator: Gt, values: ["3"]',
            'operator: Gt, values: ["three"]',
            "deploymentProfiles[0].deviceConstraints.eligibilityRules[0]"
            ".labelSelector.matchExpressions[0].values: of Gt must be exactly one number.",
            id="more than a word",
        ),
        pytest.param(
            "operator: DoesNotExist",
            "operator: DoesNotExist, values: [1]",
            "deploymentProfiles[0].deviceConstraints.eligibilityRules[0]"
            ".labelSelector.matchExpressions[1].values: does not go with DoesNotExist.",
            id="values for an operator without",
        ),
        pytest.param(
            "key: /vendor",
            "key: vendor",
            "deploymentProfiles[0].deviceConstraints.eligibilityRules[0]"
            ".propertySelector.matchExpressions[0].key: must be a JSON Pointer such as /vendor.",
            id="a key that is no pointer",
        ),
        pytest.param(
            "operator: ContainsAny",
            "operator: ContainersAny",
            "deploymentProfiles[0].deviceConstraints.eligibilityRules[0]"
            ".propertySelector.matchExpressions[1].operator: must be one of In, NotIn, Gt, Lt, "
            "Exists, DoesNotExist, ContainsAll, ContainsAny.",
            id="an unknown operator",
        ),
        pytest.param(
            "{parameter: speed,",
            "{parameter: sped,",
            "configuration.sections[0].settings[0].parameter: "
            "names a parameter that does not exist.",
            id="a setting of no parameter",
        ),
        pytest.param(
            "schema: speed}",
            "schema: sped}",
            "configuration.sections[0].settings[0].schema: names a schema that does not exist.",
            id="a setting of no schema",
        ),
        pytest.param(
            "dataType: integer",
            "dataType: int",
            "configuration.schema[0].dataType: must be one of string, integer, double, "
            "boolean, array[string], array[integer], array[double], array[boolean].",
            id="an unknown type",
        ),
        pytest.param(
            "minValue: 10",
            "minValue: 100",
            "configuration.schema[0].minValue: is more than maxValue.",
            id="limits the wrong way round",
        ),
        pytest.param(
            "value: 30",
            "value: 99999999999999999999",
            "parameters.speed.value: must fit into 64 bits.",
            id="a huge number",
        ),
        pytest.param(
            "value: 30",
            "value: .nan",
            "parameters.speed.value: must be a finite number, not .nan.",
            id="not a number",
        ),
        pytest.param(
            "value: 30",
            "value: 1e999",
            "parameters.speed.value: must be a number of reasonable size.",
            id="an infinite number in disguise",
        ),
        pytest.param(
            "value: 30",
            "value: {a: 1}",
            "parameters.speed.value: must be a text, a number, true or false, or a list of these.",
            id="a mapping as a default",
        ),
        pytest.param(
            "oci://registry.example.com/mixer",
            "{{REPOSITORY}}",
            f"{REPOSITORY}: {{{{REPOSITORY}}}} is a placeholder that nobody has filled in.",
            id="a placeholder without quotes",
        ),
        pytest.param(
            "oci://registry.example.com/mixer",
            '"{{ REPOSITORY }}"',
            f"{REPOSITORY}: {{{{ REPOSITORY }}}} is a placeholder that nobody has filled in.",
            id="a placeholder in quotes",
        ),
        pytest.param(
            "registry.example.com/mixer",
            "{{HOST}}/mixer",
            f"{REPOSITORY}: holds {{{{HOST}}}}, which nobody has filled in.",
            id="a placeholder inside an address",
        ),
    ],
)
def test_an_error_names_its_line_and_field(old: str, new: str, sentence: str) -> None:
    raw = described((old, new))
    assert refusal(raw) == f"Line {line_of_change(old)}, {sentence}"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        pytest.param(
            "timeout: 8m30s",
            "timeout: 5m",
            "deploymentProfiles[0].components[0].properties.timeout: "
            "should look like 8m30s; devices may refuse it.",
            id="a timeout without seconds",
        ),
        pytest.param(
            "value: 30",
            "value: 5",
            "parameters.speed.value: the default must be at least 10.",
            id="a default that breaks its own schema",
        ),
        pytest.param(
            "ada@example.com",
            "ada at example.com",
            "metadata.catalog.author[0].email: does not look like an e-mail address.",
            id="an e-mail address that is none",
        ),
        pytest.param(
            "options: [1.10, fast]",
            'regexMatch: "(["',
            "configuration.schema[1].regexMatch: is no pattern, so it is not checked "
            "(unterminated character set at position 2).",
            id="a pattern that is none",
        ),
        pytest.param(
            "  name: Mixer",
            "  colour: red\n  name: Mixer",
            "metadata.colour: is not known to the specification; it is ignored.",
            id="an unknown member",
        ),
        pytest.param(
            "wait: false",
            "dryRun: true",
            "deploymentProfiles[0].components[0].properties.dryRun: "
            "is not known to the specification; it is kept as it is.",
            id="an unknown property",
        ),
    ],
)
def test_what_can_still_be_deployed_is_only_mentioned(old: str, new: str, sentence: str) -> None:
    assert warnings(described((old, new))) == [f"Line {line_of_change(old)}, {sentence}"]


def test_a_parameter_that_leads_nowhere_is_only_mentioned() -> None:
    raw = described(
        ("{pointer: SPEED, components: [mixer]}", "{pointer: SPEED, components: [mixr]}"),
        ("        - {parameter: mode, name: Mode, immutable: true, schema: mode}\n", ""),
    )
    assert warnings(raw) == [
        "Line 53, parameters.speed: a target names the component mixr, which does not exist.",
        "Line 57, parameters.mode: has no setting, so nobody is asked for it.",
    ]


def test_what_is_only_mentioned_goes_on_unchanged() -> None:
    raw = described(("timeout: 8m30s", "timeout: 5m"), ("wait: false", "dryRun: true"))
    (profile,) = parse(raw).profiles
    assert profile.components[0].properties["timeout"] == "5m"
    assert profile.components[0].properties["dryRun"] is True


def test_every_error_is_reported_not_only_the_first() -> None:
    raw = described(("oci://", "http://"), ("  name: Mixer\n", ""), ("maxValue: 60", "maxValue: x"))
    with pytest.raises(PackageError) as refused:
        parse(raw)
    assert [finding.line for finding in refused.value.findings] == [4, 28, 66]
    assert str(refused.value) == "Line 4, metadata.name: is missing (and 2 more problems)."


def test_ids_that_must_differ_are_compared() -> None:
    text = GOOD.replace("parameters:\n", GOOD_PROFILE + "parameters:\n", 1)
    assert "is the id of an earlier profile too." in refusal(text.encode())
