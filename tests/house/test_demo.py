"""`make demo`, as somebody sees it who has just cloned the project."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from tests.house.processes import Started, alive, free_ports, manage, started, surroundings

pytestmark = pytest.mark.e2e

READY = "Ctrl-C stops it"
# Four times the aim: the machine that tests may have other work.
START_SECONDS = 80
MOST_MEGABYTES = 400


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    web, devices = free_ports(2)
    return surroundings(
        tmp_path_factory.mktemp("demo") / "data",
        LINESIDE_WEB_PORT=str(web),
        LINESIDE_DEVICE_PORT=str(devices),
    )


def data_dir(environment: dict[str, str]) -> Path:
    return Path(environment["LINESIDE_DATA_DIR"])


def sign_ins(said: str) -> dict[str, str]:
    lines = [line.split() for line in said.splitlines() if line.startswith("  ")]
    return {words[0]: words[1] for words in lines}


def can_sign_in(url: str, name: str, password: str) -> bool:
    with httpx.Client(base_url=url, follow_redirects=False) as browser:
        browser.get("/login/")
        given = {
            "username": name,
            "password": password,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        return browser.post("/login/", data=given).status_code == 302


def devices_seen(environment: dict[str, str]) -> int:
    place = data_dir(environment) / "lineside.sqlite3"
    with sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=10) as connection:
        return int(connection.execute("SELECT count(*) FROM devices_device").fetchone()[0])


def wait_for_devices(environment: dict[str, str], number: int) -> None:
    end = time.monotonic() + 60
    while devices_seen(environment) < number:
        assert time.monotonic() < end, devices_seen(environment)
        time.sleep(0.2)


def stop_as_ctrl_c_does(demo: Started) -> None:
    family = demo.tree()
    code, seconds = demo.signalled(signal.SIGINT, whole_group=True)
    assert code == 0, demo.said()
    assert seconds < 5
    assert alive(family) == []
    assert "Traceback" not in demo.said()


def test_it_runs_from_nothing_and_again(environment: dict[str, str], tmp_path: Path) -> None:
    with started(environment, tmp_path / "first", "demo") as demo:
        said = demo.says(READY, within_seconds=START_SECONDS)
        url = f"http://127.0.0.1:{environment['LINESIDE_WEB_PORT']}"
        assert f"Lineside runs at {url}/ with 40 simulated devices" in said
        people = sign_ins(said)
        assert people.keys() == {"viewer", "operator", "admin"}
        assert all(can_sign_in(url, name, password) for name, password in people.items())
        wait_for_devices(environment, 40)
        assert demo.megabytes() < MOST_MEGABYTES
        stop_as_ctrl_c_does(demo)

    with started(environment, tmp_path / "second", "demo") as demo:
        said = demo.says(READY, within_seconds=START_SECONDS)
        assert sign_ins(said) == people
        assert can_sign_in(url, "operator", people["operator"])
        assert devices_seen(environment) == 40
        stop_as_ctrl_c_does(demo)


def test_a_demo_that_was_killed_leaves_nobody_behind_and_starts_again(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with started(environment, tmp_path / "first", "demo") as demo:
        demo.says(READY, within_seconds=START_SECONDS)
        family = demo.tree()
        assert len(family) > 1
        demo.signalled(signal.SIGKILL)
        end = time.monotonic() + 10
        while alive(family):
            assert time.monotonic() < end, "the fleet lives on"
            time.sleep(0.1)

    with started(environment, tmp_path / "second", "demo") as demo:
        demo.says(READY, within_seconds=START_SECONDS)
        stop_as_ctrl_c_does(demo)


def test_a_demo_interrupted_half_way_goes_on_the_next_time(tmp_path: Path) -> None:
    web, devices = free_ports(2)
    environment = surroundings(
        tmp_path / "data", LINESIDE_WEB_PORT=str(web), LINESIDE_DEVICE_PORT=str(devices)
    )
    with started(environment, tmp_path / "first", "demo") as demo:
        demo.says("Preparing", within_seconds=30)
        time.sleep(0.7)
        demo.signalled(signal.SIGKILL)
    with started(environment, tmp_path / "second", "demo") as demo:
        demo.says(READY, within_seconds=START_SECONDS)
        stop_as_ctrl_c_does(demo)


def test_only_one_demo_has_a_folder_and_a_second_is_told_so(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with started(environment, tmp_path / "first", "demo") as demo:
        demo.says(READY, within_seconds=START_SECONDS)
        done = manage(environment, "demo")
        assert done.returncode == 1
        assert f"A demo runs in {data_dir(environment)} already" in done.stderr
        stop_as_ctrl_c_does(demo)


def test_a_damaged_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "lineside.sqlite3").write_bytes(b"no database at all" * 100)
    web, devices = free_ports(2)
    environment = surroundings(
        tmp_path, LINESIDE_WEB_PORT=str(web), LINESIDE_DEVICE_PORT=str(devices)
    )
    done = manage(environment, "demo")
    assert done.returncode == 1
    assert "Remove that folder to begin with a new one." in done.stderr
    assert "Traceback" not in done.stderr


def test_the_sign_ins_are_for_their_owner_alone(environment: dict[str, str]) -> None:
    kept = data_dir(environment) / "sign-ins.txt"
    assert os.stat(kept).st_mode & 0o777 == 0o600
