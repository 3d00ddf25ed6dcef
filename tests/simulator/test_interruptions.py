"""Servers that go away, programs that are killed: nothing is lost and nothing happens twice."""

import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path
from time import monotonic

import pytest

from tests.simulator.authority import Authority
from tests.simulator.content import FIRST, SECOND, document
from tests.simulator.running import Plant, until
from tests.simulator.wfm import Asked, Said, Wfm, honest

pytestmark = pytest.mark.asyncio


def _publish_to(wfm: Wfm, authority: Authority, plant: Plant, clients: int) -> None:
    authority.make_fleet(plant.fleet, clients)
    for number in range(1, clients + 1):
        name = f"edge-{number}"
        wfm.publish(name, {each: document(each, name) for each in (FIRST, SECOND)})


async def test_a_server_that_restarts_gets_every_report(
    authority: Authority, plant: Plant, wfm: Wfm
) -> None:
    _publish_to(wfm, authority, plant, clients=10)
    async with plant.running("--install-seconds=0.3"):
        await until(lambda: wfm.states().count("installing") > 5)
        await wfm.stop()
        await until(lambda: len(plant.lines("installed")) == 20)
        await wfm.start()
        await until(lambda: wfm.states().count("installed") == 20)
    assert len(plant.lines("installed")) == 20
    assert plant.lines("unreachable")


async def test_a_connection_closed_while_idle_is_made_again_at_once(plant: Plant, wfm: Wfm) -> None:
    async with plant.running("--poll-seconds=0.3"):
        await until(lambda: wfm.statuses("/api/v1/deployments"))
        wfm.hang_up()
        await plant.settles()
    assert len({asked.connection for asked in wfm.asked}) == 2
    assert not plant.lines("unreachable")


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Said(500), id="an error"),
        pytest.param(Said(503, {"Retry-After": "0"}), id="busy"),
        pytest.param(Said(429), id="too many"),
        pytest.param(Said(0), id="no answer"),
    ],
)
async def test_reports_that_were_not_taken_are_sent_again(
    plant: Plant, wfm: Wfm, trouble: Said
) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    wfm.lie = lambda asked, said: trouble if asked.method == "POST" else said
    async with plant.running():
        await until(lambda: plant.lines("installed"))
        await plant.settles()
        assert not wfm.reports()
        wfm.lie = honest
        await until(lambda: "installed" in wfm.states())
    assert wfm.states() == ["pending", "installing", "installed"]


async def test_retry_after_is_honoured(plant: Plant, wfm: Wfm) -> None:
    wfm.lie = lambda asked, said: Said(503, {"Retry-After": "1"})
    async with plant.running():
        await until(lambda: wfm.asked)
        await asyncio.sleep(0.5)
        assert len(wfm.asked) == 1
        await until(lambda: len(wfm.asked) == 2)


async def test_a_fleet_that_starts_again_goes_on_where_it_was(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    async with plant.running():
        await until(lambda: len(plant.lines("reported")) == 3)
    seen = len(wfm.asked)
    async with plant.running():
        await until(lambda: len(wfm.asked) > seen + 3)
    assert {asked.path for asked in wfm.asked[seen:]} == {
        "/api/v1/capabilities/edge-1",
        "/api/v1/deployments",
    }
    assert wfm.statuses("/api/v1/deployments")[-1] == 304
    assert len(plant.lines("installed")) == 1


async def test_a_fleet_that_is_killed_installs_nothing_twice(
    authority: Authority, plant: Plant, wfm: Wfm
) -> None:
    _publish_to(wfm, authority, plant, clients=10)
    for _ in range(2):
        program = await plant.program("--install-seconds=0.6")
        seen = wfm.states().count("installed")
        await until(lambda seen=seen: wfm.states().count("installed") >= min(seen + 3, 20))
        program.kill()
        await program.communicate()
    async with plant.running():
        await until(lambda: len(plant.lines("installed")) == 20)
        await until(lambda: len(_installed(wfm)) == 20)
        await plant.settles()
    times = Counter((line.device, line.digest) for line in plant.lines("installed"))
    assert set(times.values()) == {1}
    assert len(times) == 20


async def test_what_the_journal_knows_is_not_done_again_when_the_state_was_lost(
    plant: Plant, wfm: Wfm
) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    state = plant.fleet / "state" / "edge-1.json"
    async with plant.running("--install-seconds=0.5"):
        await until(lambda: "installing" in wfm.states())
        before = state.read_bytes()
        await until(lambda: len(plant.lines("reported")) == 3)
    state.write_bytes(before)
    async with plant.running():
        await until(lambda: wfm.states().count("installed") == 2)
        await plant.settles()
    assert len(plant.lines("installed")) == 1
    assert wfm.states()[-1] == "installed"


def _installed(wfm: Wfm) -> set[tuple[str, str]]:
    return {
        (asked.client, asked.path)
        for asked, status in wfm.answered
        if status == 200 and b'"state":"installed"' in asked.body
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_program_stops_within_a_second(
    authority: Authority, plant: Plant, wfm: Wfm, number: signal.Signals
) -> None:
    _publish_to(wfm, authority, plant, clients=5)
    program = await plant.program("--install-seconds=60")
    await until(lambda: wfm.states().count("installing") > 2)
    before = monotonic()
    program.send_signal(number)
    output, errors = await program.communicate()
    assert monotonic() - before < 1
    assert (program.returncode, output, errors) == (0, b"", b"")


async def test_the_program_stops_when_its_time_is_over(plant: Plant, wfm: Wfm) -> None:
    program = await plant.program("--duration-seconds=0.5")
    await program.communicate()
    assert program.returncode == 0
    assert wfm.asked


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_the_program_dies_with_its_parent(plant: Plant, wfm: Wfm) -> None:
    command = [sys.executable, "-m", "devices.simulator", *plant.arguments("--with-parent=")]
    script = (
        f"import os, subprocess, time; *command, flag = {command!r}; "
        "print(subprocess.Popen([*command, f'{flag}{os.getpid()}']).pid); time.sleep(60)"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    fleet = Path("/proc") / (await parent.stdout.readline()).decode().strip()
    await until(lambda: wfm.asked)
    parent.kill()
    await parent.wait()
    await until(lambda: not fleet.exists() or ") Z " in (fleet / "stat").read_text())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_the_program_does_not_even_begin_when_its_parent_is_gone(
    plant: Plant, wfm: Wfm
) -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    program = await plant.program(f"--with-parent={gone.pid}")
    await program.communicate()
    assert program.returncode == 0
    assert wfm.asked == []


async def test_an_offline_client_comes_back_with_its_reports(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    async with plant.running("--offline=1:0.4:0.8", "--install-seconds=0.6"):
        await until(lambda: plant.lines("offline"))
        assert "installed" not in wfm.states()
        away = len(wfm.asked)
        await until(lambda: plant.lines("installed"))
        assert len(wfm.asked) == away
        await until(lambda: "installed" in wfm.states())
    assert wfm.states() == ["pending", "installing", "installed"]


async def test_a_refused_connection_is_no_reason_to_stop(plant: Plant, wfm: Wfm) -> None:
    def unless_early(_: Asked, said: Said) -> Said:
        return Said(0) if len(wfm.asked) < 4 else said

    wfm.lie = unless_early
    async with plant.running("--connection=close"):
        await until(lambda: 304 in wfm.statuses("/api/v1/deployments"))
    assert len(plant.lines("unreachable")) == 1
