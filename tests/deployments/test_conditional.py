"""A device is not sent again what it has, nor what it cannot read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.conditional import accepts, etag_matches
from deployments.southbound.desired_state import MANIFEST

MINE = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"


@pytest.mark.parametrize(
    ("header", "matches"),
    [
        pytest.param(None, False, id="missing"),
        pytest.param("", False, id="empty"),
        pytest.param(f'"{MINE}"', True, id="strong"),
        pytest.param(f'W/"{MINE}"', True, id="weak"),
        pytest.param(f'w/"{MINE}"', True, id="weak in lower case"),
        pytest.param(MINE, True, id="unquoted"),
        pytest.param(f" {MINE} ", True, id="unquoted with spaces"),
        pytest.param("*", True, id="anything"),
        pytest.param(f'"{OTHER}", W/"{MINE}"', True, id="second of a list"),
        pytest.param(f'"{OTHER}","{MINE}"', True, id="list without spaces"),
        pytest.param(f"{OTHER}, {MINE}", True, id="unquoted list"),
        pytest.param(f'"{OTHER}"', False, id="another"),
        pytest.param(f'"{MINE.upper()}"', False, id="upper case"),
        pytest.param(f'"x{MINE}"', False, id="with a prefix"),
        pytest.param(f'"{MINE}x"', False, id="with a suffix"),
        pytest.param(f'"{MINE[7:]}"', False, id="without the algorithm"),
        pytest.param(f'"a, {MINE} ,b"', False, id="inside another tag"),
    ],
)
def test_a_device_that_has_the_content_is_recognised(header: str | None, matches: bool) -> None:
    assert etag_matches(header, MINE) is matches


@pytest.mark.parametrize(
    ("header", "admitted"),
    [
        pytest.param(None, True, id="missing"),
        pytest.param("", True, id="empty"),
        pytest.param(MANIFEST, True, id="exact"),
        pytest.param(MANIFEST.upper(), True, id="in upper case"),
        pytest.param(f"{MANIFEST}; charset=utf-8", True, id="with a parameter"),
        pytest.param("*/*", True, id="anything"),
        pytest.param("application/*", True, id="any of the kind"),
        pytest.param("text/html, application/*;q=0.1", True, id="a little"),
        pytest.param("application/json", False, id="only JSON"),
        pytest.param("application/json, text/*", False, id="only others"),
        pytest.param("text/*", False, id="another kind"),
        pytest.param(f"{MANIFEST};q=0", False, id="excluded"),
        pytest.param(f"{MANIFEST} ; Q=0.000", False, id="excluded with spaces"),
        pytest.param(f"*/*, {MANIFEST};q=0", False, id="excluded from everything"),
        pytest.param(f"*/*;q=0, {MANIFEST}", True, id="the only one admitted"),
        pytest.param("application/*;q=0, */*", False, id="the kind is excluded"),
        pytest.param("*/*;q=0", False, id="nothing"),
        pytest.param("nonsense", True, id="not understood"),
        pytest.param("application/json;q=much", True, id="a weight not understood"),
        pytest.param("text/html, *; q=.2, */*; q=.2", True, id="an old Java client"),
        pytest.param(",", True, id="empty elements"),
    ],
)
def test_only_a_device_that_excludes_the_type_is_refused(
    header: str | None, admitted: bool
) -> None:
    assert accepts(header, MANIFEST) is admitted


@given(st.text(st.characters(codec="latin-1")))
def test_no_header_is_too_strange(header: str) -> None:
    assert accepts(header, MANIFEST) in (True, False)
    assert etag_matches(header, MINE) in (True, False)
    assert accepts(f"*/*, {MANIFEST}", MANIFEST)
