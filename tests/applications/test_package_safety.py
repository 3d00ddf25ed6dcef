"""Files that were made to do harm, or have nothing to do with packages, cost a sentence at most."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applications.package import Package, PackageError, parse
from tests.applications.descriptions import GOOD, described, older, refusal

LONGEST_SECONDS = 2.0

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = 200_000


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        pytest.param(b"", "Line 1: the file is empty.", id="empty"),
        pytest.param(b"# nothing\n", "Line 1: the file is empty.", id="only a comment"),
        pytest.param(b"- a\n", "Line 1: the file is no application description.", id="a list"),
        pytest.param(
            b"a: 1\n" + b"#" * 1024 * 1024,
            "Line 1: the description is larger than 1 MiB.",
            id="a huge file",
        ),
        pytest.param(b"a: 1\nb: \xff\n", "Line 2: the text is not UTF-8.", id="Latin-1"),
        pytest.param("a: 1".encode("utf-16"), "Line 1: the text is not UTF-8.", id="UTF-16"),
        pytest.param(
            b"a: 1\nb: \0\n",
            "Line 2: contains the control character U+0000, which a description cannot hold.",
            id="a zero byte",
        ),
        pytest.param(
            rb'a: "\0"',
            "Line 1, a: contains the control character U+0000, which a description cannot hold.",
            id="a zero byte in disguise",
        ),
        pytest.param(
            rb'a: "\x1b[2J"',
            "Line 1, a: contains the control character U+001B, which a description cannot hold.",
            id="a terminal's escape",
        ),
        pytest.param(
            b"a: 1\nb: 2\na: 3\n",
            "Line 3, a: is given twice, first in line 1.",
            id="the same member twice",
        ),
        pytest.param(
            b"a: {b: 1, b: 2}",
            "Line 1, a.b: is given twice, first in line 1.",
            id="the same member twice, inside",
        ),
        pytest.param(
            b"a: !!python/object/apply:os.system [ls]",
            "Line 1, a: the tag tag:yaml.org,2002:python/object/apply:os.system is refused; "
            "a description is plain data.",
            id="a tag that would run code",
        ),
        pytest.param(
            b"a: [!!binary aGk=]",
            "Line 1, a[0]: the tag tag:yaml.org,2002:binary is refused; "
            "a description is plain data.",
            id="a tag that would make bytes",
        ),
        pytest.param(
            b"a: !!set {b, c}",
            "Line 1, a: the tag tag:yaml.org,2002:set is refused; a description is plain data.",
            id="a tag that would make a set",
        ),
        pytest.param(
            b"a: 1\n---\nb: 2\n",
            "Line 2: a second document begins here; a description is one document.",
            id="two documents",
        ),
        pytest.param(
            b"a: {[1, 2]: 3}",
            "Line 1, a: a list or a mapping cannot be the name of a member.",
            id="a list as a name",
        ),
        pytest.param(
            b"a: {{NAME}}",
            "Line 1, a: {{NAME}} is a placeholder that nobody has filled in.",
            id="a placeholder",
        ),
        pytest.param(
            b"a: &a [*a]",
            "Line 1, a[0]: the alias *a names nothing that is complete above it.",
            id="a list that holds itself",
        ),
        pytest.param(
            b"a: *b", "Line 1, a: the alias *b names nothing that is complete above it.", id="alias"
        ),
        pytest.param(
            b"a: &a {b: 1}\nc:\n  <<: *a\n",
            "Line 3, c.<<: merge keys are no part of a description.",
            id="a merge key",
        ),
    ],
)
def test_a_file_that_is_no_description_is_refused(raw: bytes, sentence: str) -> None:
    assert refusal(raw) == sentence


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        pytest.param(LAUGHS.encode(), "more values than any real one", id="a billion laughs"),
        pytest.param(b"[" * DEEP, "nesting is deeper than 50 levels", id="deep lists"),
        pytest.param(b"{a: " * DEEP, "nesting is deeper than 50 levels", id="deep mappings"),
        pytest.param(b"- " * DEEP, "nesting is deeper than 50 levels", id="deep blocks"),
        pytest.param(b"? " * DEEP, "nesting is deeper than 50 levels", id="deep names"),
        pytest.param(b"[" + b"1," * DEEP + b"]", "more values than any real one", id="a long list"),
        pytest.param(b"a: 1\n" * DEEP, "is given twice, first in line 1", id="one name repeated"),
        pytest.param(b"a: " + b"9" * DEEP, "apiVersion: is missing", id="a number of a mile"),
        pytest.param(
            b"? " + b"a" * DEEP + b"\n: 1", "apiVersion: is missing", id="a name of a mile"
        ),
        pytest.param(b"&a " * DEEP, "the YAML cannot be read here", id="anchors of nothing"),
        pytest.param(
            b"".join(b"k%d: 1\n" % index for index in range(15_000)),
            "apiVersion: is missing",
            id="many unknown members",
        ),
    ],
)
def test_a_file_made_to_do_harm_is_refused_quickly(raw: bytes, part: str) -> None:
    started = time.perf_counter()
    sentence = refusal(raw)
    assert part in sentence
    assert len(sentence) < 500
    assert time.perf_counter() - started < LONGEST_SECONDS


def test_a_number_of_a_mile_as_a_default_is_refused() -> None:
    raw = described(("value: 30", "value: " + "9" * 100_000))
    assert "parameters.speed.value: must fit into 64 bits." in refusal(raw)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_package_or_a_refusal(raw: bytes) -> None:
    check(raw)


@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@`#~ \n\tax01.<=", max_size=120))
def test_anything_that_looks_like_yaml_is_a_package_or_a_refusal(text: str) -> None:
    check(text.encode())


LINES = GOOD.splitlines()
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.integers(0, len(LINES) - 1), VALUES, st.booleans())
def test_a_good_description_with_any_value_in_any_place_is_either(
    index: int, value: object, lenient: bool
) -> None:
    name, colon, _old = LINES[index].partition(":")
    line = f"{name}{colon} {json.dumps(value)}"
    check("\n".join([*LINES[:index], line, *LINES[index + 1 :]]).encode())
    if lenient:
        check(older((LINES[index] + "\n", line + "\n")) if index else b"")


@given(st.integers(0, len(GOOD)), st.integers(0, 80), st.sampled_from(["", "\n", "  ", "- ", ": "]))
def test_a_torn_description_is_either(at: int, length: int, patch: str) -> None:
    check((GOOD[:at] + patch + GOOD[at + length :]).encode())


def check(raw: bytes) -> None:
    """Either plain data or a refusal that names a line."""
    answer = answer_to(raw)
    if isinstance(answer, Package):
        data = answer.as_data()
        assert json.loads(json.dumps(data, allow_nan=False)) == data
    else:
        assert str(answer).startswith("Line ")
        assert all(finding.line >= 1 for finding in answer.findings)


def answer_to(raw: bytes) -> Package | PackageError:
    try:
        return parse(raw)
    except PackageError as refused:
        return refused
