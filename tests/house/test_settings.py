"""A setting that cannot be meant stops every command with one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.processes import manage, surroundings


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line in which it was refused."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param("WEB_PORT", "abc", "a whole number from 1 to 65535", id="port in letters"),
        pytest.param("WEB_PORT", "99999", "a whole number from 1 to 65535", id="port too high"),
        pytest.param("DEVICE_PORT", "-1", "a whole number from 1 to 65535", id="port below zero"),
        pytest.param("DEVICE_PORT", "0", "a whole number from 1 to 65535", id="port zero"),
        pytest.param("URL", "nonsense", "must begin with http://", id="URL without a scheme"),
        pytest.param("URL", "https:///page", "name a host", id="URL without a host"),
        pytest.param("URL", "http://host:port", "its port a number", id="URL's port in letters"),
        pytest.param("URL", "http://host:99999", "its port a number", id="URL's port too high"),
        pytest.param("URL", "http://[::1", "must be a URL", id="URL with half an address"),
        pytest.param("DATABASE_URL", "mysql://host/name", "postgres://", id="foreign database"),
        pytest.param(
            "DATABASE_URL", "postgres://host:abc/name", "its port", id="database's port in letters"
        ),
        pytest.param("DATABASE_URL", "postgres://host", "the name of", id="database without name"),
        pytest.param("REDIS_URL", "garbage", "must begin with redis://", id="no Redis"),
        pytest.param("REDIS_URL", "redis://host:abc/0", "its port", id="Redis' port in letters"),
        pytest.param("TIME_ZONE", "Mars/Olympus", "must be a time zone", id="time zone unknown"),
        pytest.param("TIME_ZONE", "Europe", "must be a time zone", id="time zone half"),
        pytest.param("LOG_LEVEL", "LOUD", "must be one of CRITICAL", id="log level unknown"),
        pytest.param("UNKNOWN_STATUS_ANSWER", "999", "one of 404, 422, 200", id="answer unknown"),
        pytest.param("DEVICE_OFFLINE_AFTER_SECONDS", "-5", "a whole number", id="seconds negative"),
        pytest.param("SECRET_KEY_FILE", "/nowhere", "cannot be read: No such file", id="no file"),
        pytest.param("DEBUG", "perhaps", "must be 1 or 0", id="neither yes nor no"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    said = complaint(manage(surroundings(tmp_path, **{f"LINESIDE_{name}": value}), "migrate"))
    assert said.startswith(f"LINESIDE_{name} ")
    assert words in said


@pytest.mark.parametrize("command", ["serve", "demo", "check", "add_user"])
def test_every_command_says_so(tmp_path: Path, command: str) -> None:
    environment = surroundings(tmp_path, LINESIDE_TIME_ZONE="Mars/Olympus")
    assert complaint(manage(environment, command)).startswith("LINESIDE_TIME_ZONE ")


def test_a_password_in_a_url_is_not_told(tmp_path: Path) -> None:
    url = "postgres://lineside:hunter2@host:abc/name"
    said = complaint(manage(surroundings(tmp_path, LINESIDE_DATABASE_URL=url), "check"))
    assert "hunter2" not in said


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_data_directory_that_cannot_be_one_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    said = complaint(manage(surroundings(tmp_path / "file" / below), "check"))
    assert said.startswith("LINESIDE_DATA_DIR must be a folder")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["add_user", "olga", "--role", "viewer", "--password-stdin"], id="add_user"),
        pytest.param(["import_application", "examples/node-red"], id="import_application"),
        pytest.param(["migrate"], id="migrate"),
    ],
)
def test_a_broken_database_is_told_in_one_sentence(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "lineside.sqlite3").write_bytes(b"no database at all" * 100)
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=Path(__file__).resolve().parents[2],
        env=surroundings(tmp_path),
        input="correct horse battery\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert complaint(done).startswith("The database cannot be used (file is not a database)")


def test_the_whole_story_is_told_on_demand(tmp_path: Path) -> None:
    environment = surroundings(tmp_path, LINESIDE_WEB_PORT="abc")
    assert "Traceback" in manage(environment, "check", "--traceback").stderr
