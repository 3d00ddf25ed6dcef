"""What the fleet does not believe, each seen through a real socket."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.simulator.authority import Authority
from tests.simulator.content import (
    BUNDLE_TYPE,
    FIRST,
    SECOND,
    bundle,
    bundle_of,
    document,
    manifest,
    sha256,
)
from tests.simulator.running import Plant, until
from tests.simulator.wfm import Asked, Lie, Said, Wfm, honest, labelled

pytestmark = pytest.mark.asyncio

DOCUMENTS = {each: document(each, "edge-1") for each in (FIRST, SECOND)}
FILES = {f"{each}.yaml": body for each, body in DOCUMENTS.items()}


def _lie_at(path: str, change: Callable[[Said], Said]) -> Lie:
    def lie(asked: Asked, said: Said) -> Said:
        matches = asked.method == "GET" and asked.path.startswith(path)
        return change(said) if matches and said.status == 200 else said

    return lie


def _with_header(name: str, value: str) -> Callable[[Said], Said]:
    return lambda said: Said(said.status, {**said.headers, name: value}, said.body)


def _bundle_with(files: Mapping[str, bytes], tail: bytes = b"") -> Lie:
    """A server that publishes this archive, with a manifest that names its true digest."""
    archive = bundle(files) + tail

    def lie(asked: Asked, said: Said) -> Said:
        if asked.path.startswith("/api/v1/bundles/"):
            return labelled(archive, BUNDLE_TYPE)
        if asked.path == "/api/v1/deployments" and said.status == 200:
            named = sha256(bundle_of(DOCUMENTS)).encode()
            body = said.body.replace(named, sha256(archive).encode())
            return labelled(body, said.headers["Content-Type"])
        return said

    return lie


@pytest.mark.parametrize(
    ("lie", "fetch", "words"),
    [
        pytest.param(
            _lie_at("/api/v1/deployments/", lambda said: Said(200, said.headers, b"id: other")),
            "documents",
            "has the digest",
            id="a document of another digest",
        ),
        pytest.param(
            _lie_at("/api/v1/bundles/", lambda said: Said(200, said.headers, said.body[:-1])),
            "bundle",
            "has the digest",
            id="a bundle of another digest",
        ),
        pytest.param(
            _lie_at("/api/v1/deployments/", _with_header("Content-Type", "text/plain")),
            "documents",
            "content type",
            id="a document of another type",
        ),
        pytest.param(
            _lie_at("/api/v1/bundles/", _with_header("ETag", '"sha256:0"')),
            "bundle",
            "ETag",
            id="a bundle with another ETag",
        ),
        pytest.param(
            _lie_at("/api/v1/deployments", _with_header("ETag", 'W/"weak"')),
            "bundle",
            "ETag",
            id="a manifest with another ETag",
        ),
        pytest.param(
            _lie_at("/api/v1/deployments", _with_header("Content-Type", "application/json")),
            "bundle",
            "content type",
            id="a manifest of another type",
        ),
        pytest.param(
            _bundle_with({**FILES, "README": b"hello"}),
            "bundle",
            "does not hold exactly",
            id="a bundle with an extra file",
        ),
        pytest.param(
            _bundle_with({f"{FIRST}.yaml": DOCUMENTS[FIRST]}),
            "bundle",
            "does not hold exactly",
            id="a bundle that lacks a file",
        ),
        pytest.param(
            _bundle_with({f"in/{name}": body for name, body in FILES.items()}),
            "bundle",
            "no plain file",
            id="a bundle with a folder",
        ),
        pytest.param(_bundle_with(FILES, b"x"), "bundle", "trail", id="a bundle with a tail"),
        pytest.param(
            _lie_at("/api/v1/deployments/", lambda said: Said(404)),
            "documents",
            "answered 404",
            id="content that is not there",
        ),
    ],
)
async def test_a_lie_is_refused_and_the_truth_is_taken_afterwards(
    plant: Plant, wfm: Wfm, lie: Lie, fetch: str, words: str
) -> None:
    wfm.publish("edge-1", DOCUMENTS)
    wfm.lie = lie
    async with plant.running(f"--fetch={fetch}"):
        await until(lambda: plant.lines("refused"))
        await plant.settles()
        assert not wfm.reports()
        wfm.lie = honest
        await until(lambda: len(plant.lines("installed")) == 2)
    (refused,) = plant.lines("refused")
    assert words in (refused.reason or "")


async def test_a_manifest_that_goes_backwards_is_refused(plant: Plant, wfm: Wfm) -> None:
    for _ in range(3):
        wfm.publish("edge-1", {FIRST: DOCUMENTS[FIRST]})
    old = labelled(manifest(2, DOCUMENTS), "application/vnd.margo.manifest.v1+json")
    async with plant.running():
        await until(lambda: "installed" in wfm.states())
        wfm.lie = lambda asked, said: old if asked.path == "/api/v1/deployments" else said
        await until(lambda: plant.lines("refused"))
        await plant.settles()
    assert [line.deployment for line in plant.lines("installed")] == [FIRST]
    assert plant.lines("refused")[0].reason == "The manifest version 2 is not greater than 4."


async def test_a_document_that_names_another_id_is_refused(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(SECOND, "edge-1")})
    async with plant.running():
        await until(lambda: plant.lines("refused"))
    assert not plant.lines("installed")


@pytest.mark.parametrize(
    ("spiffe_id", "words"),
    [
        pytest.param("spiffe://other.example/margo/wfm/main", "not spiffe", id="another domain"),
        pytest.param("spiffe://plant.example/margo/wfm/side", "not spiffe", id="another manager"),
        pytest.param(
            "spiffe://plant.example/margo/wfm/main/client/edge-2", "not spiffe", id="a client"
        ),
    ],
)
async def test_a_server_with_another_name_hears_nothing(
    authority: Authority, tmp_path: Path, spiffe_id: str, words: str
) -> None:
    wfm = await Wfm(authority.server_context(tmp_path / "wfm", spiffe_id)).start()
    plant = Plant(authority.make_fleet(tmp_path / "fleet", clients=1), wfm)
    async with plant.running():
        await until(lambda: plant.lines("refused"))
    await wfm.stop()
    assert words in (plant.lines("refused")[0].reason or "")
    assert not wfm.asked


async def test_a_server_of_another_authority_hears_nothing(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority()
    wfm = await Wfm(stranger.server_context(tmp_path / "wfm")).start()
    plant = Plant(authority.make_fleet(tmp_path / "fleet", clients=1), wfm)
    async with plant.running():
        await until(lambda: plant.lines("refused"))
    await wfm.stop()
    assert "does not verify" in (plant.lines("refused")[0].reason or "")
    assert not wfm.asked


async def test_a_report_that_is_refused_is_not_sent_again(plant: Plant, wfm: Wfm) -> None:
    wfm.publish("edge-1", {FIRST: document(FIRST, "edge-1")})
    wfm.lie = lambda asked, said: Said(422) if asked.method == "POST" else said
    async with plant.running():
        await until(lambda: len(plant.lines("reported")) == 3)
        await plant.settles()
    states = [
        json.loads(asked.body)["status"]["state"]
        for asked in wfm.asked
        if asked.body and asked.method == "POST"
    ]
    assert states == ["pending", "installing", "installed"]
    assert {line.status for line in plant.lines("reported")} == {422}
