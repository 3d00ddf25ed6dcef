"""The rules by which a package chooses devices, read over their properties and labels."""

import pytest

from deployments.eligibility import ABSENT, resolve_pointer
from deployments.fit import why_not
from tests.deployments.fitting import DEVICE, LABELS, asking, fits, item, profile, rule

Json = dict[str, object]


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        pytest.param(asking("/vendor", "In", "Acme", "Other"), True, id="in"),
        pytest.param(asking("/vendor", "In", "acme"), False, id="case counts"),
        pytest.param(asking("/nothing", "In", "Acme"), False, id="in nothing"),
        pytest.param(asking("/supportedRuntimes", "In", "oci"), True, id="a list contains one"),
        pytest.param(asking("/cpus/1/cores", "In", 4.0), True, id="numbers by value"),
        pytest.param(asking("/otelCollector", "In", True), True, id="a boolean"),
        pytest.param(asking("/otelCollector", "In", 1), False, id="true is not 1"),
        pytest.param(asking("/otelCollector", "In", True, False), False, id="one boolean only"),
        pytest.param(asking("/vendor", "In", "Acme", 1), False, id="values of two types"),
        pytest.param(asking("/vendor", "In"), False, id="in without values"),
        pytest.param(asking("/vendor", "NotIn", "Other"), True, id="not in"),
        pytest.param(asking("/vendor", "NotIn", "Acme"), False, id="not in, but it is"),
        pytest.param(asking("/nothing", "NotIn", "Acme"), False, id="not in needs the key"),
        pytest.param(
            asking("/supportedDeploymentTypes", "NotIn", "helm"), True, id="none in the list"
        ),
        pytest.param(asking("/vendor", "Exists"), True, id="exists"),
        pytest.param(asking("/nothing", "Exists"), False, id="does not exist"),
        pytest.param(asking("/vendor", "Exists", "Acme"), False, id="exists takes no values"),
        pytest.param(asking("/nothing", "DoesNotExist"), True, id="absent"),
        pytest.param(asking("/vendor", "DoesNotExist"), False, id="present"),
        pytest.param(asking("/nothing", "DoesNotExist", "x"), False, id="absent takes no values"),
        pytest.param(asking("/cpus/0/cores", "Gt", 1), True, id="greater"),
        pytest.param(asking("/cpus/0/cores", "Gt", 2), False, id="not greater but equal"),
        pytest.param(asking("/cpus/0/cores", "Lt", "2.5"), True, id="less than a numeric text"),
        pytest.param(asking("/serialNumber", "Gt", 41), True, id="a numeric text is greater"),
        pytest.param(asking("/memory", "Gt", 1), False, id="a quantity is no number"),
        pytest.param(asking("/cpus/0/cores", "Gt", 0, 1), False, id="one bound only"),
        pytest.param(asking("/cpus/0", "Exists"), False, id="an object compares with nothing"),
        pytest.param(asking("/cpus", "Exists"), False, id="objects only for item operators"),
        pytest.param(asking("vendor", "DoesNotExist"), False, id="no JSON Pointer"),
        pytest.param(asking("/ven~dor", "DoesNotExist"), False, id="a broken escape"),
        pytest.param(asking(7, "DoesNotExist"), False, id="a key that is no text"),
        pytest.param(asking("/vendor", "Matches", "A.*"), False, id="an unknown operator"),
        pytest.param(
            item("/interfaces", "ContainsAll", asking("/type", "In", "ethernet", "bluetooth")),
            True,
            id="an interface of either kind",
        ),
        pytest.param(
            item(
                "/peripherals",
                "ContainsAll",
                asking("/type", "In", "gpu"),
                asking("/manufacturer", "In", "NVIDIA"),
            ),
            False,
            id="all must hold for one and the same item",
        ),
        pytest.param(
            item(
                "/peripherals",
                "ContainsAny",
                asking("/type", "In", "display"),
                asking("/manufacturer", "In", "NVIDIA"),
            ),
            True,
            id="any of them for some item",
        ),
        pytest.param(
            item("/cpus", "ContainsAll", asking("/cores", "Gt", 3)), True, id="numbers in items"
        ),
        pytest.param(item("/interfaces", "ContainsAll"), False, id="no item expression"),
        pytest.param(item("/nothing", "ContainsAny", asking("/a", "Exists")), False, id="no list"),
        pytest.param(
            item("/interfaces", "ContainsAll", asking("/type", "Exists")) | {"values": ["x"]},
            False,
            id="items take no values",
        ),
    ],
)
def test_property_expressions_hold_as_the_standard_says(expression: Json, holds: bool) -> None:
    assert fits(rule(expression)) is holds


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        pytest.param(asking("site", "In", "Bruges"), True, id="text"),
        pytest.param(asking("Site", "In", "Bruges"), False, id="keys are case-sensitive"),
        pytest.param(asking("line", "Gt", 3), True, id="number"),
        pytest.param(asking("critical", "In", True), True, id="boolean"),
        pytest.param(asking("zones", "In", "b", "c"), True, id="list"),
        pytest.param(asking("zones", "NotIn", "b"), False, id="list with a forbidden one"),
        pytest.param(asking("rack", "Lt", 13), True, id="numeric text"),
        pytest.param(asking("rack", "In", 12), False, id="text is not the number it shows"),
        pytest.param(asking("/site", "Exists"), False, id="no pointers into labels"),
        pytest.param(asking("owner", "DoesNotExist"), True, id="absent"),
    ],
)
def test_label_expressions_hold_as_the_standard_says(expression: Json, holds: bool) -> None:
    assert fits(rule(expression, selector="labelSelector")) is holds


YES, NO = asking("/vendor", "Exists"), asking("/vendor", "DoesNotExist")


@pytest.mark.parametrize(
    ("rules", "holds"),
    [
        pytest.param([], True, id="no rules"),
        pytest.param([rule(YES)], True, id="one that is met"),
        pytest.param([rule(YES, NO)], False, id="all expressions of a selector"),
        pytest.param([rule(NO), rule(YES)], True, id="one of the rules is enough"),
        pytest.param([rule(NO), rule(NO)], False, id="none of the rules"),
        pytest.param(
            [rule(YES) | rule(asking("site", "Exists"), selector="labelSelector")],
            True,
            id="both selectors",
        ),
        pytest.param(
            [rule(YES) | rule(asking("owner", "Exists"), selector="labelSelector")],
            False,
            id="only one of both selectors",
        ),
    ],
)
def test_rules_are_alternatives_and_their_parts_are_not(rules: list[Json], holds: bool) -> None:
    assert fits(*rules) is holds


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        pytest.param(
            [rule(asking("/vendor", "In", "Other", "Else"))],
            "the property /vendor must be one of Other, Else, the device reports Acme",
            id="in",
        ),
        pytest.param(
            [rule(asking("owner", "Exists"), selector="labelSelector")],
            "the label owner must be reported, the device reports nothing",
            id="label",
        ),
        pytest.param(
            [rule(item("/interfaces", "ContainsAny", asking("/type", "In", "wifi")))],
            "the property /interfaces must have an item whose /type must be one of wifi, "
            "the device reports type ethernet",
            id="items",
        ),
        pytest.param(
            [rule(asking("/vendor", "Matches", "A"))],
            "the package's rule about the property /vendor is not valid, the device reports Acme",
            id="an unknown operator",
        ),
        pytest.param(
            [rule(NO), rule(asking("/cpus/0/cores", "Gt", 2))],
            "meets none of 2 alternatives: "
            "the property /vendor must not be reported, the device reports Acme; or "
            "the property /cpus/0/cores must be greater than 2, the device reports 2",
            id="alternatives",
        ),
        pytest.param(
            [rule(item("/interfaces", "ContainsAny", asking("/type", "Matches", "wifi")))],
            "the property /interfaces must have an item whose /type must satisfy a rule that is "
            "not valid, the device reports type ethernet",
            id="an unknown operator inside",
        ),
    ],
)
def test_the_reason_names_what_is_asked_and_what_is_there(rules: list[Json], reason: str) -> None:
    assert why_not(profile(eligibilityRules=rules), DEVICE, LABELS) == [reason]


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        pytest.param("/a~1b", 1, id="an escaped slash"),
        pytest.param("/m~0n", 2, id="an escaped tilde"),
        pytest.param("/~01", 3, id="escapes are undone in the right order"),
        pytest.param("/", 4, id="the empty key"),
        pytest.param("/list/1", "y", id="an index"),
        pytest.param("/list/01", ABSENT, id="no leading zeros"),
        pytest.param("/list/-", ABSENT, id="behind the end"),
        pytest.param("/list/2", ABSENT, id="outside"),
        pytest.param("/list/" + "9" * 5000, ABSENT, id="far outside"),
        pytest.param("/none", None, id="null is there"),
        pytest.param("/none/x", ABSENT, id="nothing inside null"),
    ],
)
def test_pointers_are_read_as_rfc_6901_says(pointer: str, found: object) -> None:
    document = {"a/b": 1, "m~n": 2, "~1": 3, "": 4, "list": ["x", "y"], "none": None}
    assert resolve_pointer(document, pointer) == found
    assert resolve_pointer(document, "") == document
