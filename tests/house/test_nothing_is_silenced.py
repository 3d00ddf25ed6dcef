"""No check is switched off anywhere: a finding is mended, not hushed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOMES = (
    ".ci",
    "accounts",
    "applications",
    "config",
    "deployments",
    "devices",
    "templates",
    "tests",
)
SUFFIXES = {".py", ".html", ".js", ".css", ".toml", ".yaml", ".ini", ".cfg"}

# Each pattern has a class of one letter in it, so that this table does not find itself.
HUSHES = {
    "a linter's finding": r"#\s*(ruff:\s*)?no[q]a",
    "a type error": r"#\s*(type:\s*ignor[e]|myp[y]:)",
    "a formatter's": r"(fmt|djlint|isort|yapf):\s*(of[f]|skip)",
    "uncovered lines": r"pragma:\s*no\s*[c]over",
    "a warning": r"(filterwarnings|simplefilter)\(\s*[\"']ignor[e]|[\"']ignor[e]:",
    "a whole file, in the settings": r"per-file-ignor[e]s|extend-exclud[e]|^\s*ignore_error[s]",
    "missing types": r"ignore_missing_import[s]|disable_error_cod[e]|follow_imports\s*=",
    "a contract": r"^\s*ignore_import[s]",
}


def sources() -> Iterator[Path]:
    """Every file of the project that a check reads."""
    yield from ROOT.glob("*.toml")
    yield from ROOT.glob("*.py")
    for home in HOMES:
        for path in (ROOT / home).rglob("*"):
            if path.suffix in SUFFIXES:
                yield path


def hushed(text: str, pattern: str) -> list[str]:
    return [line for line in text.splitlines() if re.search(pattern, line)]


@pytest.mark.parametrize("pattern", HUSHES.values(), ids=HUSHES.keys())
def test_nothing_hushes(pattern: str) -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if (lines := hushed(path.read_text(encoding="utf-8"), pattern))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        pytest.param("a linter's finding", "import x  # " + "noqa: F401", id="one finding"),
        pytest.param("a linter's finding", "# ruff: " + "noqa", id="a file's findings"),
        pytest.param("a type error", "x = 1  # type: " + "ignore[assignment]", id="one type error"),
        pytest.param("a type error", "# myp" + "y: ignore-errors", id="a file's type errors"),
        pytest.param("a warning", 'filterwarnings("' + 'ignore")', id="a warning in a test"),
        pytest.param("a warning", '    "ignor' + 'e::DeprecationWarning",', id="a warning for all"),
        pytest.param("a contract", "ignore_" + 'imports = ["a -> b"]', id="an import"),
    ],
)
def test_the_patterns_find_what_they_are_for(kind: str, line: str) -> None:
    assert hushed(line, HUSHES[kind]) == [line]
