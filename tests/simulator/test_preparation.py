"""Making a fleet ready for the portal, and running it by the command."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from devices.fleet_setup import prepare_fleet, start_fleet
from devices.identity.authority import Authority
from devices.identity.errors import IdentityError
from devices.models import Client
from devices.simulator.trust import load_anchors, load_identity

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _portal(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.IDENTITY_DIR = tmp_path / "identity"
    settings.TRUST_BUNDLE = settings.IDENTITY_DIR / "bundle.json"
    settings.DEVICE_PORT = 9
    _found(settings.IDENTITY_DIR)


def _found(directory: Path) -> None:
    Authority.create(directory, trust_domain="plant.example", wfm_id="lineside", now=NOW)


def _svids(fleet: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in fleet.glob("clients/*/svid.pem")}


def test_a_prepared_fleet_has_what_the_simulator_reads(tmp_path: Path) -> None:
    names = prepare_fleet(tmp_path / "fleet", clients=2, now=NOW)
    assert names == ["edge-00001", "edge-00002"]
    identity = load_identity(tmp_path / "fleet/clients/edge-00002")
    assert identity.server_spiffe_id == "spiffe://plant.example/margo/wfm/lineside"
    assert identity.key.stat().st_mode & 0o777 == 0o600
    assert load_anchors(tmp_path / "fleet/bundle.json")
    assert set(Client.objects.values_list("name", "state")) == {
        ("edge-00001", "accepted"),
        ("edge-00002", "accepted"),
    }


def test_preparing_again_adds_only_what_is_missing(tmp_path: Path) -> None:
    prepare_fleet(tmp_path, clients=2, now=NOW)
    before = _svids(tmp_path)
    prepare_fleet(tmp_path, clients=3, now=NOW + timedelta(days=1))
    after = _svids(tmp_path)
    assert before.items() < after.items()
    assert Client.objects.count() == 3


def test_a_certificate_near_its_end_is_renewed(tmp_path: Path) -> None:
    prepare_fleet(tmp_path, clients=1, now=NOW)
    before = _svids(tmp_path)
    prepare_fleet(tmp_path, clients=1, now=NOW + timedelta(days=61))
    assert _svids(tmp_path) != before


def test_certificates_of_an_earlier_authority_are_replaced(
    tmp_path: Path, settings: Settings
) -> None:
    prepare_fleet(tmp_path / "fleet", clients=1, now=NOW)
    before = _svids(tmp_path / "fleet")
    settings.IDENTITY_DIR = tmp_path / "other"
    settings.TRUST_BUNDLE = tmp_path / "other" / "bundle.json"
    _found(settings.IDENTITY_DIR)
    prepare_fleet(tmp_path / "fleet", clients=1, now=NOW)
    assert _svids(tmp_path / "fleet") != before


def test_a_half_made_client_is_made_anew(tmp_path: Path) -> None:
    prepare_fleet(tmp_path, clients=1, now=NOW)
    (tmp_path / "clients/edge-00001/key.pem").write_text("half a k")
    prepare_fleet(tmp_path, clients=1, now=NOW)
    assert "PRIVATE KEY" in (tmp_path / "clients/edge-00001/key.pem").read_text()


def test_a_client_that_the_portal_has_never_met_starts_without_a_memory(tmp_path: Path) -> None:
    prepare_fleet(tmp_path, clients=1, now=NOW)
    state = tmp_path / "state/edge-00001.json"
    state.parent.mkdir()
    state.write_text("{}")
    prepare_fleet(tmp_path, clients=1, now=NOW)
    assert state.exists()
    Client.objects.all().delete()
    prepare_fleet(tmp_path, clients=1, now=NOW)
    assert not state.exists()


def test_a_retired_client_is_not_let_in_by_the_back_door(tmp_path: Path) -> None:
    prepare_fleet(tmp_path, clients=1, now=NOW)
    Client.objects.update(state=Client.State.RETIRED, retired_at=NOW)
    prepare_fleet(tmp_path, clients=1, now=NOW)
    assert Client.objects.get().state == Client.State.RETIRED


def test_without_an_authority_the_command_says_what_to_do(
    settings: Settings, tmp_path: Path
) -> None:
    settings.IDENTITY_DIR = tmp_path / "nowhere"
    with pytest.raises(CommandError, match="identity init"):
        call_command("simulate_fleet", "--devices=1")
    with pytest.raises(IdentityError):
        prepare_fleet(tmp_path, clients=1, now=NOW)


def test_the_command_runs_gateways_to_the_end_of_their_time(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    call_command(
        "simulate_fleet", "--devices=5", "--devices-per-client=2", "--duration-seconds=0.3"
    )
    output = capfd.readouterr().out
    assert "edge-00001 to edge-00003 are ready" in output
    assert "3 clients call" in output
    lines = (tmp_path / "fleet/journal.jsonl").read_text().splitlines()
    assert {json.loads(line)["event"] for line in lines} <= {"unreachable"}


def test_the_command_refuses_a_misbehaviour_without_meaning(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(CommandError, match="code 1"):
        call_command("simulate_fleet", "--devices=1", "--fail=often")
    assert "'often' is not a number." in capfd.readouterr().out


def test_a_signal_to_the_command_ends_the_fleet() -> None:
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    call_command("simulate_fleet", "--devices=1", "--quiet")
    timer.join()


def test_a_fleet_can_be_started_with_flags_of_the_simulator(tmp_path: Path) -> None:
    prepare_fleet(tmp_path, clients=1, now=NOW)
    program = start_fleet(tmp_path, {"duration_seconds": 0.2, "quiet": True, "verbosity": 1})
    assert program.wait(timeout=10) == 0


def test_the_simulator_knows_nothing_of_the_portal() -> None:
    listing = "import sys, devices.simulator.__main__; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    ).stdout.split()
    strangers = ("django", "devices.models", "devices.identity", "deployments", "applications")
    assert not [name for name in loaded if name.startswith(strangers)]
