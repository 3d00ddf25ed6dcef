"""A strategy in words, as Review and the deployment's page say it."""

import pytest

from deployments import phrases, strategy


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, []),
        (
            {"kind": "canary", "canary_percent": "5"},
            ["5 % of the devices first", "the others follow after Promote Canary"],
        ),
        (
            {"kind": "canary", "canary_by": "count", "canary_gate": "automatic"},
            ["1 device first", "the others follow when the canary is healthy"],
        ),
        (
            {
                "kind": "canary",
                "canary_by": "labels",
                "canary_labels": "site=berlin",
                "canary_gate": "automatic",
                "canary_soak_seconds": 5400,
                "order": "groups",
            },
            [
                "devices with site=berlin first",
                "the others follow 1 hour 30 minutes after the canary is healthy",
                "every batch spread over the groups",
            ],
        ),
        (
            {"kind": "rolling", "batch_by": "size", "batch_gate": "manual"},
            ["batches of 10 devices", "the next batch follows after Approve Batch"],
        ),
        (
            {
                "kind": "canary_rolling",
                "batch_by": "sizes",
                "batch_sizes": "1, 50 %, rest",
                "batch_delay_seconds": 600,
                "order": "label",
                "order_label": "line",
            },
            [
                "10 % of the devices first",
                "the others follow after Promote Canary",
                "batches of 1, 50 %, rest",
                "the next batch follows 10 minutes after the one before is healthy",
                "in the order of the label line",
            ],
        ),
        ({"order": "groups"}, []),
    ],
)
def test_how_it_goes_on(given, said):
    assert phrases.course(strategy.checked(given)) == said


USUAL = ["none may fail", "30 minutes to install", "1 day to wait for a device that is offline"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, USUAL),
        ({"max_failures": 3}, ["3 may fail", *USUAL[1:]]),
        (
            {"kind": "canary", "max_failures": "2.50 %"},
            ["2.5 % of each batch may fail", *USUAL[1:]],
        ),
        (
            {"offline": "fail"},
            [*USUAL[:2], "a device that does not come within 10 minutes counts as failed"],
        ),
        (
            {"offline": "move_on"},
            [
                *USUAL[:2],
                (
                    "goes on without a device that does not come within 10 minutes, "
                    "and waits 1 day for it"
                ),
            ],
        ),
        (
            {"retry_failed": 1, "retry_timed_out": 2},
            [
                *USUAL,
                (
                    "tried again by itself: 1 time after a reported failure, "
                    "2 times after taking too long"
                ),
            ],
        ),
        (
            {"rollback_percent": "2", "rollback_min_released": 20},
            [*USUAL, "more than 2 % failures undo it once 20 devices have it"],
        ),
        ({"rollback_percent": "0"}, [*USUAL, "any failure undoes it once 1 device has it"]),
        ({"rollback_count": 0}, [*USUAL, "any failure undoes it once 1 device has it"]),
        ({"rollback_count": 1}, [*USUAL, "more than 1 failure undoes it once 1 device has it"]),
        (
            {"rollback_percent": "2.25", "rollback_count": 5},
            [*USUAL, "more than 2.25 % failures or 5 failures undo it once 1 device has it"],
        ),
        (
            {"rollback_percent": "0", "rollback_count": 5},
            [*USUAL, "any failure undoes it once 1 device has it"],
        ),
    ],
)
def test_what_may_go_wrong(given, said):
    assert phrases.limits(strategy.checked(given)) == said
