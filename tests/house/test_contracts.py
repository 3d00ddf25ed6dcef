"""The import contracts hold, and would notice if they did not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "accounts", "applications", "devices", "deployments")


def lint_imports(place: Path) -> subprocess.CompletedProcess[str]:
    # A process of its own: what the tests have imported must not colour the answer.
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the product code and its contracts."""
    for package in PACKAGES:
        without = shutil.ignore_patterns("__pycache__", "static")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        pytest.param(
            "devices/models.py", "import applications.models", "strangers", id="devices know apps"
        ),
        pytest.param(
            "accounts/models.py", "import config.settings", "strangers", id="an app knows the shell"
        ),
        pytest.param(
            "deployments/models/__init__.py",
            "import deployments.engine",
            "Inside",
            id="rows know engine",
        ),
        pytest.param(
            "deployments/planner/__init__.py",
            "import django.db",
            "pure",
            id="the planner knows SQL",
        ),
        pytest.param(
            "applications/package/__init__.py",
            "import celery",
            "pure",
            id="the parser knows the broker",
        ),
        pytest.param(
            "devices/simulator/__init__.py",
            "import devices.models",
            "alone",
            id="the fleet knows the product",
        ),
        pytest.param(
            "devices/simulator/__init__.py",
            "import django",
            "alone",
            id="the fleet knows Django",
        ),
    ],
)
def test_a_planted_import_is_noticed(copy: Path, module: str, line: str, contract: str) -> None:
    planted = copy / module
    planted.write_text(f"{planted.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = lint_imports(copy)
    assert done.returncode == 1
    broken = [name for name in done.stdout.splitlines() if name.endswith("BROKEN")]
    assert any(contract in name for name in broken), done.stdout
