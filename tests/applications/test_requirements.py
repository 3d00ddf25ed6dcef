"""What a package asks of a device and of its values, said in words."""

import pytest

from applications.requirements import profile_needs, value_limits


@pytest.mark.parametrize(
    ("constraints", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param(
            {
                "capacityRequirements": {
                    "cpu": {"cores": 1.0, "architectures": ["amd64", "arm64", "arm"]},
                    "memory": "512Mi",
                    "storage": "2 Gi",
                }
            },
            [
                "At least 1 CPU core (amd64, arm64 or arm)",
                "At least 512 MiB of memory",
                "At least 2 GiB of storage",
            ],
            id="capacity",
        ),
        pytest.param(
            {
                "eligibilityRules": [
                    {
                        "propertySelector": {
                            "matchExpressions": [
                                {"key": "/modelNumber", "operator": "In", "values": ["A", "B"]},
                                {
                                    "key": "/interfaces",
                                    "operator": "ContainsAny",
                                    "itemSelector": {
                                        "matchExpressions": [
                                            {"key": "/type", "operator": "In", "values": ["usb"]}
                                        ]
                                    },
                                },
                            ]
                        },
                        "labelSelector": {
                            "matchExpressions": [{"key": "old", "operator": "DoesNotExist"}]
                        },
                    }
                ]
            },
            [
                (
                    "Its model number must be A or B and its interfaces must include one of: "
                    "type usb and its label old must not be reported"
                )
            ],
            id="rules",
        ),
    ],
)
def test_what_a_profile_asks_is_said_in_words(
    constraints: dict[str, object], expected: list[str]
) -> None:
    assert profile_needs({"deviceConstraints": constraints}) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({}, [], id="free"),
        pytest.param({"minValue": 1, "maxValue": 9.0}, ["1 to 9"], id="range"),
        pytest.param({"maxLength": 5}, ["at most 5 characters"], id="length"),
        pytest.param({"options": [True, "b"]}, ["one of true, b"], id="options"),
        pytest.param(
            {"regexMatch": "a+", "allowEmpty": False}, ["matches a+", "must not be empty"], id="re"
        ),
    ],
)
def test_limits_are_said_in_words(schema: dict[str, object], expected: list[str]) -> None:
    assert value_limits(schema) == expected
