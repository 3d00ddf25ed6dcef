"""What a fleet does wrong when it is asked to, seen from the server."""

import pytest

from tests.simulator.content import FIRST, document
from tests.simulator.running import Plant, until
from tests.simulator.wfm import Wfm

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("flags", "states"),
    [
        pytest.param((), ["pending", "installing", "installed"], id="well-behaved"),
        pytest.param(("--fail=1",), ["pending", "installing", "failed"], id="fails"),
        pytest.param(
            ("--fail=revision=4.1.0:1",),
            ["pending", "installing", "failed"],
            id="fails with this revision",
        ),
        pytest.param(
            ("--fail=revision=4.2.0:1",),
            ["pending", "installing", "installed"],
            id="fails only with another revision",
        ),
        pytest.param(
            ("--fail=version=7.0:1",),
            ["pending", "installing", "failed"],
            id="fails with this application version",
        ),
        pytest.param(
            ("--duplicate=1",),
            ["pending", "pending", "installing", "installing", "installed", "installed"],
            id="says everything twice",
        ),
        pytest.param(
            ("--out-of-order=1",),
            ["pending", "installed", "installing"],
            id="installed before installing",
        ),
        pytest.param(
            ("--drift=1:0.01",),
            ["pending", "installing", "installed", "failed"],
            id="breaks by itself",
        ),
        pytest.param(
            ("--drift=1:0.01", "--drift-state=removed"),
            ["pending", "installing", "installed", "removed"],
            id="vanishes by itself",
        ),
    ],
)
async def test_reports_go_wrong_as_asked(
    plant: Plant, wfm: Wfm, flags: tuple[str, ...], states: list[str]
) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1", "4.1.0", version="7.0")})
    async with plant.running(*flags):
        await until(lambda: len(wfm.states()) >= len(states))
        await plant.settles()
    assert wfm.states() == states


async def test_a_failure_says_which_component_and_why(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1", components=2)})
    async with plant.running("--fail=1"):
        await until(lambda: "failed" in wfm.states())
    report = wfm.reports()[-1]
    good, bad = report["components"]
    assert good == {"name": "part-1", "state": "installed"}
    assert bad["error"]["source"] == "part-2"
    assert report["status"]["error"]["message"]
    assert [line.event for line in plant.lines() if line.event in ("installed", "failed")] == [
        "failed"
    ]


async def test_a_stale_report_tells_an_older_version(plant: Plant, wfm: Wfm) -> None:
    version = wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    async with plant.running("--stale=1"):
        await until(lambda: len(wfm.states()) == 4)
    told = [(each["status"]["state"], each["adoptedManifestVersion"]) for each in wfm.reports()]
    assert told[0] == ("installed", version - 1)
    assert told[1] == ("pending", version)


async def test_a_silent_device_installs_without_a_word(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    async with plant.running("--silent=1"):
        await until(lambda: plant.lines("installed"))
        await plant.settles()
    assert not wfm.reports()


async def test_a_slow_device_takes_longer(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    async with plant.running("--slow=1:30"):
        await until(lambda: "installing" in wfm.states())
        await plant.settles()
        assert wfm.states() == ["pending", "installing"]
        await until(lambda: "installed" in wfm.states())
