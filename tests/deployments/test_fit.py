"""A device gets only what it can run, and the operator reads why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.eligibility import ABSENT, resolve_pointer
from deployments.fit import in_bytes, why_not

Json = dict[str, object]

DEVICE: Json = {
    "id": "press-4",
    "vendor": "Acme",
    "serialNumber": "0042",
    "cpus": [{"cores": 2, "architecture": "arm64"}, {"cores": 4, "architecture": "amd64"}],
    "memory": "2Gi",
    "storage": "59 Gi",
    "peripherals": [
        {"type": "gpu", "manufacturer": "Acme"},
        {"type": "camera", "manufacturer": "NVIDIA"},
    ],
    "interfaces": [{"type": "ethernet"}],
    "otelCollector": True,
    "supportedRuntimes": ["oci"],
    "supportedDeploymentTypes": ["compose", "custom"],
}
LABELS: Json = {"site": "Bruges", "line": 4, "critical": True, "zones": ["a", "b"], "rack": "12"}


def profile(**constraints: object) -> Json:
    return {"id": "p", "type": "compose", "deviceConstraints": constraints, "problem": None}


def needing(**capacity: object) -> Json:
    return profile(capacityRequirements=capacity)


def rule(*expressions: Json, selector: str = "propertySelector") -> Json:
    return {selector: {"matchExpressions": list(expressions)}}


def asking(key: object, operator: str, *values: object) -> Json:
    expression: Json = {"key": key, "operator": operator}
    return expression | ({"values": list(values)} if values else {})


def item(key: str, operator: str, *expressions: Json) -> Json:
    return {
        "key": key,
        "operator": operator,
        "itemSelector": {"matchExpressions": list(expressions)},
    }


def fits(*rules: Json) -> bool:
    return why_not(profile(eligibilityRules=list(rules)), DEVICE, LABELS) == []


def test_a_profile_without_constraints_fits_every_device_of_its_type() -> None:
    assert why_not({"type": "compose"}, DEVICE, {}) == []
    assert why_not({"type": "compose", "deviceConstraints": None}, DEVICE, {}) == []


@pytest.mark.parametrize(
    ("wanted", "reasons"),
    [
        pytest.param(needing(cpu={"cores": 4}), [], id="the larger processor suffices"),
        pytest.param(needing(memory="2048Mi"), [], id="exactly the memory"),
        pytest.param(needing(storage="10Gi"), [], id="a quantity with a space"),
        pytest.param(
            needing(cpu={"cores": 6}),
            [
                (
                    "needs 6 cores in one processor, "
                    "the device reports 2 cores of arm64 and 4 cores of amd64"
                )
            ],
            id="cores are not added up",
        ),
        pytest.param(
            needing(cpu={"cores": 2.5, "architectures": ["arm64", "arm"]}),
            [
                (
                    "needs 2.5 cores of arm64 or arm in one processor, "
                    "the device reports 2 cores of arm64 and 4 cores of amd64"
                )
            ],
            id="cores and architecture of one and the same processor",
        ),
        pytest.param(
            needing(memory="4Gi"),
            ["needs 4 GiB of memory, the device reports 2 GiB"],
            id="too little memory",
        ),
        pytest.param(
            needing(memory="2049Mi", storage="1Ti"),
            [
                "needs 2049 MiB of memory, the device reports 2 GiB",
                "needs 1 TiB of storage, the device reports 59 GiB",
            ],
            id="all shortages at once",
        ),
    ],
)
def test_capacity_is_compared_with_numbers(wanted: Json, reasons: list[str]) -> None:
    assert why_not(wanted, DEVICE, LABELS) == reasons


@pytest.mark.parametrize(
    ("change", "wanted", "reason"),
    [
        pytest.param(
            {"supportedDeploymentTypes": ["helm", "custom"]},
            profile(),
            "has only Helm and custom, and this needs Compose",
            id="another type",
        ),
        pytest.param(
            {"supportedDeploymentTypes": None},
            profile(),
            "does not run workloads itself",
            id="a gateway that hosts nothing",
        ),
        pytest.param(
            {"cpus": None},
            needing(cpu={"cores": 1}),
            "needs 1 core, the device reports no processor",
            id="no processor",
        ),
        pytest.param(
            {"cpus": [{"cores": 8}]},
            needing(cpu={"cores": 1, "architectures": ["amd64"]}),
            "needs 1 core of amd64 in one processor, "
            "the device reports 8 cores of unknown architecture",
            id="an unknown architecture is not taken for the right one",
        ),
        pytest.param(
            {"memory": None},
            needing(memory="1Ki"),
            "needs 1 KiB of memory, the device reports nothing about it",
            id="memory not reported",
        ),
        pytest.param(
            {"memory": "plenty"},
            needing(memory="1Ki"),
            "needs 1 KiB of memory, the device reports “plenty”",
            id="memory that is no quantity",
        ),
    ],
)
def test_what_a_device_does_not_report_it_does_not_have(
    change: Json, wanted: Json, reason: str
) -> None:
    assert why_not(wanted, DEVICE | change, LABELS) == [reason]


def test_a_device_that_reported_nothing_yet_fits_nothing() -> None:
    assert why_not(profile(), None, {}) == ["has not reported its capabilities yet"]


def test_an_unusable_profile_fits_no_device() -> None:
    broken = profile() | {"problem": "Profile p names no components."}
    assert why_not(broken, DEVICE, LABELS) == ["Profile p names no components."]


def test_eligibility_is_asked_only_where_the_capacity_suffices() -> None:
    never = rule(asking("/vendor", "DoesNotExist"))
    wanted = profile(capacityRequirements={"memory": "4Gi"}, eligibilityRules=[never])
    assert why_not(wanted, DEVICE, LABELS) == ["needs 4 GiB of memory, the device reports 2 GiB"]


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1Ki", 1024, id="kibibyte"),
        pytest.param("59 Gi", 59 * 2**30, id="a space"),
        pytest.param("1.5Gi", 3 * 2**29, id="a fraction"),
        pytest.param("2Ei", 2**61, id="exbibyte"),
        pytest.param("16GB", None, id="decimal units"),
        pytest.param("1024", None, id="no unit"),
        pytest.param("-1Gi", None, id="negative"),
        pytest.param(16, None, id="no text"),
        pytest.param("", None, id="empty"),
    ],
)
def test_quantities_have_binary_units(text: object, expected: int | None) -> None:
    assert in_bytes(text) == expected


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_device_fits_exactly_when_it_has_at_least_what_is_needed(needs: int, has: int) -> None:
    device = DEVICE | {"memory": f"{has}Mi"}
    assert (why_not(needing(memory=f"{needs}Mi"), device, {}) == []) is (has >= needs)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(JSON, JSON, JSON)
def test_whatever_is_reported_or_asked_gets_sentences(
    reported: object, asked: object, key: object
) -> None:
    device = DEVICE | {"memory": reported, "cpus": reported, "x": reported}
    wanted = profile(
        capacityRequirements=asked,
        eligibilityRules=[
            rule(asking("/x", "In", asked)),
            rule(asking(key, "NotIn", asked)),
            asked,
        ],
    )
    assert all(why_not(wanted, device, {"x": reported}))
