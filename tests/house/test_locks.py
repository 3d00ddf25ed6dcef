"""The lock files: every package pinned and hashed, no address in them, in step with each other."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]+\])?==([^\s;]+)", re.MULTILINE)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    return {canonicalize_name(package): version for package, version in PINNED.findall(text(name))}


def asked_for() -> dict[str, list[Requirement]]:
    """What pyproject.toml asks for, by the lock that must have it."""
    project = tomllib.loads(text("pyproject.toml"))
    runtime = [Requirement(line) for line in project["project"]["dependencies"]]
    dev = [Requirement(line) for line in project["dependency-groups"]["dev"]]
    return {"requirements.lock": runtime, "requirements-dev.lock": [*runtime, *dev]}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host(name: str) -> None:
    assert re.findall(r"\w+://\S+|--(?:extra-)?index-url|--find-links|@ \S+", text(name)) == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_and_has_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", text(name).strip())
    assert [entry for entry in entries if not PINNED.match(entry)] == []
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_in_step_with_what_is_asked_for(name: str) -> None:
    locked = pins(name)
    missing_or_wrong = [
        str(wanted)
        for wanted in asked_for()[name]
        if not wanted.specifier.contains(locked.get(canonicalize_name(wanted.name), "0"))
        or canonicalize_name(wanted.name) not in locked
    ]
    assert missing_or_wrong == []


def test_tests_run_with_the_versions_that_are_shipped() -> None:
    shipped, tested = (pins(name) for name in LOCKS)
    assert {package: tested.get(package) for package in shipped} == shipped
