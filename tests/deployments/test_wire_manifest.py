"""A client asks what its devices shall run, over a real mutual-TLS connection."""

import re
import threading
from datetime import UTC, datetime

import httpx
import pytest
import yaml

from deployments import moves, publishing, southbound
from deployments.models import Deployment, Instance, Manifest
from devices import onboarding
from tests.deployments import plant, talk
from tests.deployments.documents import published_schema
from tests.deployments.talk import MANIFEST, MANIFEST_TYPE, ask
from tests.shared import needs_shared
from tests.wire import Wire, wired

ROUTES = southbound.ROUTES


def test_the_first_manifest_is_number_one_with_a_bundle_that_is_null(edge: httpx.Client) -> None:
    answer = ask(edge)
    assert answer.status_code == 200
    assert answer.json() == {"manifestVersion": 1, "bundle": None, "deployments": []}


def test_it_says_where_the_content_is_and_how_large(wire: Wire, edge: httpx.Client) -> None:
    (device,) = talk.a_plant(wire)
    told = ask(edge).json()
    assert told["manifestVersion"] == 1
    (entry,) = told["deployments"]
    content = edge.get(entry["url"])
    archive = edge.get(told["bundle"]["url"])
    assert entry == {
        "deploymentId": talk.uid_of(device),
        "digest": talk.sha(content.content),
        "sizeBytes": len(content.content),
        "url": f"/api/v1/deployments/{talk.uid_of(device)}/{talk.sha(content.content)}",
    }
    assert told["bundle"] == {
        "mediaType": talk.BUNDLE_TYPE,
        "digest": talk.sha(archive.content),
        "sizeBytes": len(archive.content),
        "url": f"/api/v1/bundles/{talk.sha(archive.content)}",
    }


@needs_shared
def test_it_obeys_the_published_schema(wire: Wire, edge: httpx.Client) -> None:
    schema = published_schema("UnsignedAppStateManifest")
    schema.validate(ask(edge).json())
    talk.a_plant(wire, "gw", "gw/press-1")
    schema.validate(ask(edge).json())


def test_its_headers_are_what_devices_compare_for_equality(wire: Wire, edge: httpx.Client) -> None:
    talk.a_plant(wire)
    answer = ask(edge)
    assert answer.headers["content-type"] == MANIFEST_TYPE
    assert answer.headers["cache-control"] == "private"
    assert answer.headers["etag"] == f'"{talk.sha(answer.content)}"'
    assert re.fullmatch(r'"sha256:[0-9a-f]{64}"', answer.headers["etag"])
    assert answer.headers["content-length"] == str(len(answer.content))


def test_the_version_goes_up_by_one_exactly_when_the_set_changes(
    wire: Wire, edge: httpx.Client
) -> None:
    device = plant.a_device(wire.accept("line-4"), "press-1")
    versions = [ask(edge).json()["manifestVersion"] for _ in range(2)]
    for number in ("1.0.0", "2.0.0", "3.0.0"):
        talk.roll_out([device], number)
        versions += [ask(edge).json()["manifestVersion"] for _ in range(2)]
    assert versions == [1, 1, 2, 2, 3, 3, 4, 4]


def test_the_same_content_keeps_its_version_its_bytes_and_its_etag(
    wire: Wire, edge: httpx.Client
) -> None:
    (device,) = talk.a_plant(wire)
    first = ask(edge)
    plant.install(device)
    plant.tick(Deployment.objects.get())
    again = Deployment.objects.get().version
    plant.a_rollout([device], again)
    for _ in range(2):
        answer = ask(edge)
        assert (answer.content, answer.headers["etag"]) == (first.content, first.headers["etag"])
    assert Manifest.objects.count() == 1


def test_what_was_taken_back_unpublished_leaves_the_manifest_as_it_was(
    wire: Wire, edge: httpx.Client
) -> None:
    device = plant.a_device(wire.accept("line-4"), "press-1")
    first = ask(edge)
    deployment = plant.a_rollout([device])
    moves.cancel(deployment, actor=None, now=plant.NOON)
    answer = ask(edge)
    assert answer.content == first.content
    client = talk.client_of(device)
    assert client.published_generation == client.desired_generation


def test_a_client_is_turned_away_and_let_in_again_on_one_connection(
    wire: Wire, edge: httpx.Client
) -> None:
    (device,) = talk.a_plant(wire)
    first = ask(edge)
    now = datetime.now(UTC)
    onboarding.retire(talk.client_of(device), actor=None, now=now)
    with talk.nothing_written():
        refused = ask(edge, if_none_match=first.headers["etag"])
    talk.assert_problem(refused, 403, "not-authorized")
    assert refused.json()["title"] == "Client Relationship Retired"
    onboarding.accept(talk.client_of(device), actor=None, now=now)
    assert ask(edge).content == first.content
    talk.roll_out([device], "2.0.0")
    assert ask(edge).json()["manifestVersion"] == 2


def test_a_pending_and_an_unknown_client_get_nothing(wire: Wire) -> None:
    with wire.client("stranger", accepted=False) as stranger:
        talk.assert_problem(ask(stranger), 403, "not-authorized")
        spiffe_id = "spiffe://plant.example/margo/wfm/hall-7/client/stranger"
        onboarding.enrol(spiffe_id, accepted=False, actor=None, now=datetime.now(UTC))
        talk.assert_problem(ask(stranger), 403, "not-authorized")
    assert not Manifest.objects.exists()


def test_a_gateway_gets_one_manifest_for_all_its_devices(wire: Wire, edge: httpx.Client) -> None:
    devices = talk.a_plant(wire, "gw", "gw/cell/press-1", "gw/press~2")
    told = ask(edge).json()
    assert told["manifestVersion"] == 1
    ids = [entry["deploymentId"] for entry in told["deployments"]]
    assert ids == sorted(talk.uid_of(device) for device in devices)
    documents = [yaml.safe_load(edge.get(entry["url"]).text) for entry in told["deployments"]]
    named = {one["id"]: one["metadata"]["deviceId"] for one in documents}
    assert named == {talk.uid_of(device): device.path for device in devices}


def test_two_clients_may_have_devices_of_the_same_name(wire: Wire, edge: httpx.Client) -> None:
    (mine,) = talk.a_plant(wire, "press-1")
    (theirs,) = talk.a_plant(
        wire, "press-1", name="line-5", version=plant.a_version("2.0.0", app_id="pump")
    )
    (entry,) = ask(edge).json()["deployments"]
    assert entry["deploymentId"] == talk.uid_of(mine)
    with wire.client("line-5") as other:
        (entry,) = ask(other).json()["deployments"]
    assert entry["deploymentId"] == talk.uid_of(theirs)


def test_the_counter_survives_a_restart_of_the_listener(wire: Wire, edge: httpx.Client) -> None:
    (device,) = talk.a_plant(wire)
    before = ask(edge)
    with wired(wire.folder / "again", ROUTES) as second, second.client("line-4") as same:
        after = ask(same)
        assert after.content == before.content
        talk.roll_out([device], "2.0.0")
        assert ask(same).json()["manifestVersion"] == 2


def test_progress_shows_that_the_client_knows(wire: Wire, edge: httpx.Client) -> None:
    talk.a_plant(wire)
    ask(edge)
    assert Instance.objects.get().progress_words == "Knows about it (manifest 1)"


def test_a_crash_between_publishing_and_answering_loses_nothing(
    wire: Wire, edge: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.a_plant(wire)

    def crash(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(publishing, "prove", crash)
        answer = edge.get(MANIFEST)
    assert answer.status_code == 500
    assert answer.json()["retryable"] is True
    assert answer.headers["retry-after"]
    assert "MemoryError" not in answer.text
    assert ask(edge).json()["manifestVersion"] == 1
    assert Manifest.objects.count() == 1


def test_devices_that_poll_while_a_release_happens_all_get_it_once(wire: Wire) -> None:
    count = 20
    clients = [wire.accept(f"edge-{index}") for index in range(count)]
    devices = [plant.a_device(client, client.name) for client in clients]
    deployment = plant.a_ready_deployment(devices)
    answers: dict[str, list[httpx.Response]] = {}
    released = threading.Event()

    def live(edge: httpx.Client, name: str) -> None:
        got = answers.setdefault(name, [])
        while not (got and released.is_set() and len(got[-1].json()["deployments"]) == 1):
            got.append(edge.get(MANIFEST))
            assert len(got) < 200

    callers = [(wire.client(client.name), client.name) for client in clients]
    threads = [threading.Thread(target=live, args=caller) for caller in callers]
    for thread in threads:
        thread.start()
    moves.start(deployment, actor=None, now=plant.NOON)
    plant.tick(deployment)
    released.set()
    for thread in threads:
        thread.join(60)
    for caller, _ in callers:
        caller.close()
    assert {answer.status_code for got in answers.values() for answer in got} == {200}
    for got in answers.values():
        told = {answer.json()["manifestVersion"]: answer.content for answer in got}
        assert [answer.content for answer in got] == [
            told[answer.json()["manifestVersion"]] for answer in got
        ]
        assert sorted(told) in ([1], [1, 2])


def test_content_given_up_before_it_was_sent_does_not_hide_the_old_one_wanted_again(
    wire: Wire, edge: httpx.Client
) -> None:
    """The device runs it already, and would not look at it again under the digest it knows."""
    (device,) = talk.a_plant(wire)
    first = ask(edge)
    plant.install(device)
    plant.tick(Deployment.objects.get())
    version = Deployment.objects.get().version
    never_sent = plant.a_rollout([device], plant.a_version("2.0.0"), offline_wait_seconds=60)
    plant.tick(never_sent, plant.after(61))
    assert never_sent.status == "failed"
    plant.a_rollout([device], version)
    told = ask(edge, if_none_match=first.headers["etag"])
    assert told.status_code == 200
    assert told.json()["manifestVersion"] == 2
    assert told.json()["deployments"] != first.json()["deployments"]
