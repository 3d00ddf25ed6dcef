"""How times are shown on any page."""

import pytest

from accounts import look


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "00:00"), (9, "00:09"), (252, "04:12"), (3_600, "1:00:00"), (93_784, "26:03:04")],
)
def test_a_countdown_reads_like_a_clock(seconds, words):
    assert look.clock(seconds) == words
