"""`manage.py check --deploy` has nothing to say about production settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "LINESIDE_URL": "https://lineside.example",
    "LINESIDE_DATABASE_URL": "postgres://lineside@127.0.0.1/lineside",
    "LINESIDE_REDIS_URL": "redis://127.0.0.1/0",
}


def deploy_check(tmp_path: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LINESIDE_")}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**clean, "LINESIDE_DATA_DIR": str(tmp_path), **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_settings_give_no_warning(tmp_path: Path) -> None:
    done = deploy_check(tmp_path, PRODUCTION)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (0 silenced).\n"


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"LINESIDE_URL": "http://lineside.example"}, id="without TLS"),
        pytest.param({"LINESIDE_DEBUG": "1"}, id="with debug pages"),
        pytest.param({"LINESIDE_SECRET_KEY": "short"}, id="with a weak secret"),
    ],
)
def test_a_slack_setting_is_noticed(tmp_path: Path, settings: dict[str, str]) -> None:
    assert deploy_check(tmp_path, {**PRODUCTION, **settings}).returncode == 1
