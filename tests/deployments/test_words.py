"""Numbers and durations in words."""

import pytest

from deployments.words import counted, devices, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (60, "1 minute"),
        (247, "4 minutes 7 seconds"),
        (3_600, "1 hour"),
        (3_660, "1 hour 1 minute"),
        (86_400, "1 day"),
        (90_061, "1 day 1 hour 1 minute 1 second"),
        (172_800, "2 days"),
    ],
)
def test_a_duration_is_told_to_the_second(seconds: int, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("number", "words"), [(0, "0 devices"), (1, "1 device"), (2, "2 devices")])
def test_one_or_several(number: int, words: str) -> None:
    assert devices(number) == words == counted(number, "device")
