"""What a well-behaved fleet says and does, seen from the server."""

import asyncio
import json
from collections import Counter

import pytest

from tests.simulator.authority import Authority
from tests.simulator.content import FIRST, SECOND, THIRD, document, sha256
from tests.simulator.running import Plant, until
from tests.simulator.wfm import Asked, Said, Wfm

pytestmark = pytest.mark.asyncio


async def test_a_gateway_is_announced_before_its_children(plant: Plant, wfm: Wfm) -> None:
    async with plant.running("--devices-per-client=3"):
        await until(lambda: wfm.statuses("/api/v1/deployments"))
    paths = [asked.path for asked in wfm.asked[:4]]
    assert paths == [
        f"/api/v1/capabilities/edge-1{child}" for child in ("", "/child-1", "/child-2", "/child-3")
    ]
    gateway, child = (json.loads(wfm.asked[at].body)["properties"] for at in (0, 1))
    assert "supportedDeploymentTypes" not in gateway
    assert child["id"] == "edge-1/child-1"
    assert child["supportedDeploymentTypes"] == ["compose", "helm"]


async def test_a_manifest_that_has_not_changed_is_asked_for_by_its_etag(
    plant: Plant, wfm: Wfm
) -> None:
    async with plant.running():
        await until(lambda: wfm.statuses("/api/v1/deployments").count(304) > 3)
    assert wfm.statuses("/api/v1/deployments").count(200) == 1


async def test_an_installation_is_reported_step_by_step(plant: Plant, wfm: Wfm) -> None:
    version = wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1", components=2)})
    async with plant.running():
        await until(lambda: "installed" in wfm.states())
    assert wfm.states() == ["pending", "installing", "installing", "installed"]
    reports = wfm.reports()
    assert [report["adoptedManifestVersion"] for report in reports] == [version] * 4
    assert reports[2]["components"] == [
        {"name": "part-1", "state": "installed"},
        {"name": "part-2", "state": "installing"},
    ]
    assert "deviceId" not in reports[0]


async def test_a_child_reports_under_its_full_id(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1/child-2")})
    async with plant.running("--devices-per-client=2"):
        await until(lambda: "installed" in wfm.states())
    assert {report["deviceId"] for report in wfm.reports()} == {"edge-1/child-2"}


async def test_a_gateway_chooses_the_child_when_it_is_asked_to(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1/*")})
    async with plant.running("--devices-per-client=2"):
        await until(lambda: "installed" in wfm.states())
    assert {report["deviceId"] for report in wfm.reports()} < {"edge-1/child-1", "edge-1/child-2"}


async def test_a_device_that_is_not_there_fails_with_the_code_for_it(
    plant: Plant, wfm: Wfm
) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1/child-9")})
    async with plant.running("--devices-per-client=2"):
        await until(wfm.states)
    (report,) = wfm.reports()
    assert report["deviceId"] == "edge-1/child-9"
    assert report["status"]["error"]["code"] == "101"


@pytest.mark.parametrize(
    ("flags", "bundles", "documents"),
    [
        pytest.param(("--fetch=bundle",), 1, 0, id="always the bundle"),
        pytest.param(("--fetch=documents",), 0, 2, id="always documents"),
        pytest.param((), 1, 0, id="the bundle for two changes"),
        pytest.param(("--bundle-threshold=2",), 0, 2, id="documents up to the threshold"),
    ],
)
async def test_content_is_fetched_as_told(
    plant: Plant, wfm: Wfm, flags: tuple[str, ...], bundles: int, documents: int
) -> None:
    wfm.publish("edge-1", {each: document(each, "edge-1") for each in (FIRST, SECOND)})
    async with plant.running(*flags):
        await until(lambda: wfm.states().count("installed") == 2)
    assert len(wfm.statuses("/api/v1/bundles/")) == bundles
    fetches = [a for a in wfm.asked if a.path.count("/") == 5 and a.method == "GET"]
    assert len(fetches) == documents


async def test_only_what_has_changed_is_installed_again(plant: Plant, wfm: Wfm) -> None:
    both = {each: document(each, "edge-1") for each in (FIRST, SECOND)}
    wfm.publish("edge-1", both)
    async with plant.running():
        await until(lambda: len(plant.lines("installed")) == 2)
        upgraded = document(FIRST, "edge-1", revision="2.0.0")
        version = wfm.publish("edge-1", {**both, FIRST: upgraded, THIRD: document(THIRD, "edge-1")})
        await until(lambda: len(plant.lines("installed")) == 4)
        await plant.settles()
    later = {line.deployment: line for line in plant.lines("installed")[2:]}
    assert set(later) == {FIRST, THIRD}
    assert later[FIRST].digest == sha256(upgraded)
    assert later[FIRST].version == version


async def test_content_that_is_replaced_while_it_is_installed_never_runs(
    plant: Plant, wfm: Wfm
) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1", "1.0.0")})
    async with plant.running("--install-seconds=0.3"):
        await until(lambda: "installing" in wfm.states())
        newer = document(FIRST, "edge-1", "2.0.0")
        wfm.publish("edge-1", {FIRST: newer})
        await until(lambda: len(plant.lines("fetched")) == 2)
        await until(lambda: "installed" in wfm.states())
        await asyncio.sleep(0.4)
    assert [line.digest for line in plant.lines("installed")] == [sha256(newer)]


async def test_what_is_left_out_of_the_manifest_is_removed(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    async with plant.running():
        await until(lambda: "installed" in wfm.states())
        version = wfm.publish("edge-1", {})
        await until(lambda: "removed" in wfm.states())
        wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
        await until(lambda: len(plant.lines("installed")) == 2)
    assert wfm.states()[3:5] == ["removing", "removed"]
    assert wfm.reports()[4]["adoptedManifestVersion"] == version


async def test_going_back_to_what_still_runs_installs_nothing(plant: Plant, wfm: Wfm) -> None:
    good, bad = document(FIRST, "edge-1", "1.0.0"), document(FIRST, "edge-1", "2.0.0")
    wfm.publish("edge-1", {FIRST: good})
    async with plant.running("--fail=revision=2.0.0:1"):
        await until(lambda: "installed" in wfm.states())
        wfm.publish("edge-1", {FIRST: bad})
        await until(lambda: "failed" in wfm.states())
        version = wfm.publish("edge-1", {FIRST: good})
        await until(lambda: wfm.states()[-1] == "installed")
    assert wfm.reports()[-1]["adoptedManifestVersion"] == version
    assert len(plant.lines("installed")) == 1
    assert len(plant.lines("kept")) == 1


@pytest.mark.parametrize(
    ("style", "told"),
    [
        pytest.param("number", 2, id="a number"),
        pytest.param("string", "2", id="a decimal string"),
        pytest.param("absent", None, id="nothing"),
    ],
)
async def test_the_adopted_version_is_told_in_the_dialect_asked_for(
    plant: Plant, wfm: Wfm, style: str, told: object
) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    async with plant.running(f"--report-style={style}"):
        await until(lambda: "installed" in wfm.states())
    assert {report.get("adoptedManifestVersion") for report in wfm.reports()} == {told}


@pytest.mark.parametrize(
    ("mode", "connections"),
    [pytest.param("keep-alive", 1, id="kept"), pytest.param("close", 6, id="a new one each time")],
)
async def test_connections_are_kept_or_closed_as_told(
    plant: Plant, wfm: Wfm, mode: str, connections: int
) -> None:
    async with plant.running(f"--connection={mode}"):
        await until(lambda: len(wfm.asked) >= 6)
    assert len({asked.connection for asked in wfm.asked[:6]}) == connections
    told = {asked.headers.get("connection") for asked in wfm.asked}
    assert told == ({"close"} if mode == "close" else {None})


async def test_an_announcement_that_is_forbidden_is_made_again(plant: Plant, wfm: Wfm) -> None:
    def not_yet_accepted(_: Asked, said: Said) -> Said:
        return said if len(wfm.asked) > 6 else Said(403)

    wfm.lie = not_yet_accepted
    async with plant.running():
        await until(lambda: plant.lines("announced"))
    assert [line.status for line in plant.lines("refused")] == [403, 403]
    assert plant.lines("announced")[0].status == 201


async def test_the_journal_says_what_the_server_saw(
    authority: Authority, plant: Plant, wfm: Wfm
) -> None:
    authority.make_fleet(plant.fleet, clients=5)
    for number in range(1, 6):
        name = f"edge-{number}"
        wfm.publish(name, {each: document(each, name) for each in (FIRST, SECOND)})

    def told() -> list[tuple[object, ...]]:
        lines = plant.lines("reported")
        return sorted((line.deployment, line.state, line.status) for line in lines)

    def seen() -> list[tuple[object, ...]]:
        return sorted(
            (each["deploymentId"], each["status"]["state"], 200) for each in wfm.reports()
        )

    async with plant.running("--fail=0.3", "--duplicate=0.5", "--out-of-order=0.5"):
        await until(lambda: len(plant.lines("installed") + plant.lines("failed")) == 10)
        await until(lambda: told() == seen() and len(told()) > 30)
        await plant.settles()
        await until(lambda: told() == seen())
    # A report that was under way when the fleet was stopped may have been heard and not noted.
    assert Counter(told()) <= Counter(seen())
