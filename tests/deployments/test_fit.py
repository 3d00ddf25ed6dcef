"""A device gets only what it can run, and the operator reads why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.fit import in_bytes, why_not
from tests.deployments.fitting import DEVICE, LABELS, asking, needing, profile, rule

Json = dict[str, object]


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
