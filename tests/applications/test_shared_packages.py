"""Packages as they are found in the field, where the material beside the checkout is there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from applications.importing import ImportRefusedError, ImportResult, import_package
from tests.shared import SHARED, needs_shared

EXAMPLES = SHARED / "margo" / "examples"
PACKAGES = EXAMPLES / "packages"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def imported(path: Path) -> ImportResult:
    return import_package(path.read_bytes(), path.name, actor=None, now=NOW)


def about_the_description(result: ImportResult) -> list[str]:
    """The warnings without those about resources, which none of these packages brings."""
    return [warning for warning in result.warnings if "is not in the package" not in warning]


@needs_shared
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "app_id", "lines"),
    [
        pytest.param("packages/hello-world-helm/margo.yaml", "com-northstartida-hello-world", []),
        pytest.param("packages/nextcloud-compose/margo.yaml", "nextcloud-stack", [31, 72]),
        pytest.param("packages/custom-otel-helm/margo.yaml", "com-go-otel-service", [30, 53]),
        pytest.param(
            "ApplicationDescription-001.OLDER-apiVersion.yaml", "com-northstartida-hello-world", []
        ),
        pytest.param(
            "ApplicationDescription-002.repaired.yaml",
            "com-northstartida-digitron-orchestrator",
            [],
        ),
    ],
)
def test_a_package_of_the_field_imports(path: str, app_id: str, lines: list[int]) -> None:
    result = imported(EXAMPLES / path)
    assert result.version.application.app_id == app_id
    mentioned = [int(warning.split()[1].rstrip(",:")) for warning in about_the_description(result)]
    assert mentioned == lines


@needs_shared
@pytest.mark.django_db
def test_an_older_package_imports_with_a_profile_that_cannot_be_deployed() -> None:
    result = imported(PACKAGES / "nextcloud-compose" / "margo.pr1-2025-12.yaml")
    assert result.version.application.app_id == "nextcloud-stack"
    (profile,) = result.version.profiles
    assert "no device of today can fetch it" in profile["problem"]
    assert any("packageLocation" in warning for warning in result.warnings)


@needs_shared
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "line", "word"),
    [
        ("custom-otel-helm/margo.placeholders-unfilled.yaml", 27, "placeholder"),
        ("custom-otel-helm/margo.pr1-2025-12.yaml", 27, "placeholder"),
        ("nextcloud-compose/margo.placeholders-unfilled.yaml", 28, "placeholder"),
        ("invalid/api-versions-typo.margo.yaml", 1, "apiVersions"),
        ("invalid/nodered-bad-indentation.margo.yaml", 10, "cannot be read"),
        ("invalid/spec-example-002-bad-indentation.margo.yaml", 59, "cannot be read"),
    ],
)
def test_a_broken_package_of_the_field_is_refused_with_its_line(
    path: str, line: int, word: str
) -> None:
    with pytest.raises(ImportRefusedError) as refused:
        imported(PACKAGES / path)
    assert f"Line {line}" in str(refused.value)
    assert word in str(refused.value)


@needs_shared
def test_every_package_of_the_field_is_known_to_these_tests() -> None:
    assert len(list(PACKAGES.rglob("*.yaml"))) == 10
