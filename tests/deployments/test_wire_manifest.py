"""A client asks what its devices shall run, over a real mutual-TLS connection."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
import yaml
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments import moves, publishing, southbound
from deployments.models import Deployment, Instance, Manifest
from deployments.southbound import desired_state
from devices import onboarding
from devices.southbound.http import Request
from tests.deployments import plant, talk
from tests.deployments.documents import published_schema
from tests.deployments.talk import MANIFEST, MANIFEST_TYPE
from tests.shared import needs_shared
from tests.wire import Wire, wired

ROUTES = southbound.ROUTES


@pytest.fixture
def edge(wire: Wire) -> Iterator[httpx.Client]:
    with wire.client("line-4") as client:
        yield client


def ask(edge: httpx.Client, **headers: str) -> httpx.Response:
    answer = edge.get(MANIFEST, headers={name.replace("_", "-"): v for name, v in headers.items()})
    talk.assert_answer("manifest", answer)
    return answer


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


ETAGS = [
    pytest.param("{etag}", id="exact"),
    pytest.param('"sha256:00", {etag}', id="a list"),
    pytest.param("W/{etag}", id="weak"),
    pytest.param("{bare}", id="unquoted"),
    pytest.param("*", id="anything"),
    pytest.param('"other" ,W/{etag}', id="a weak one in a list"),
]


@pytest.mark.parametrize("form", ETAGS)
def test_a_client_that_has_it_gets_an_empty_304(wire: Wire, edge: httpx.Client, form: str) -> None:
    talk.a_plant(wire)
    etag = ask(edge).headers["etag"]
    with talk.nothing_written():
        answer = ask(edge, if_none_match=form.format(etag=etag, bare=etag.strip('"')))
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert answer.headers["cache-control"] == "private"
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    "etag",
    [
        pytest.param('"sha256:' + "0" * 64 + '"', id="of something else"),
        pytest.param("", id="empty"),
        pytest.param('"', id="half a quote"),
        pytest.param("nonsense \\ , ,", id="nonsense"),
    ],
)
def test_a_client_with_another_etag_gets_the_manifest(edge: httpx.Client, etag: str) -> None:
    assert ask(edge, if_none_match=etag).status_code == 200


def test_a_new_desired_state_ends_the_304(wire: Wire, edge: httpx.Client) -> None:
    etag = ask(edge).headers["etag"]
    talk.a_plant(wire)
    answer = ask(edge, if_none_match=etag)
    assert answer.status_code == 200
    assert answer.json()["manifestVersion"] == 2


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        pytest.param(MANIFEST_TYPE, 200, id="the type"),
        pytest.param("*/*", 200, id="anything"),
        pytest.param("application/*", 200, id="any application"),
        pytest.param(f"text/html, {MANIFEST_TYPE};q=0.1", 200, id="among others"),
        pytest.param("application/json, */*;q=0.1", 200, id="anything else too"),
        pytest.param("", 200, id="empty"),
        pytest.param("no such thing", 200, id="broken"),
        pytest.param("application/json", 406, id="JSON alone"),
        pytest.param("text/*", 406, id="text alone"),
        pytest.param(f"{MANIFEST_TYPE};q=0", 406, id="all but the type"),
        pytest.param(f"*/*, {MANIFEST_TYPE};q=0.0", 406, id="anything but the type"),
    ],
)
def test_only_an_accept_that_excludes_the_type_is_refused(
    edge: httpx.Client, accept: str, status: int
) -> None:
    answer = ask(edge, accept=accept)
    assert answer.status_code == status
    if status == 406:
        talk.assert_problem(answer, 406, "server-cannot-generate-response")


def test_a_client_may_leave_accept_out(wire: Wire, edge: httpx.Client) -> None:
    del edge.headers["accept"]
    assert ask(edge).status_code == 200
    talk.a_plant(wire)
    told = ask(edge).json()
    assert edge.get(told["bundle"]["url"]).status_code == 200


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


def test_an_unchanged_poll_only_reads(wire: Wire) -> None:
    (device,) = talk.a_plant(wire)
    published = plant.poll(device)
    headers = {"if-none-match": f'"{published.digest}"'}
    client = talk.client_of(device)
    request = Request("GET", MANIFEST, {}, headers, b"", client, client.spiffe_id, plant.NOON)
    with CaptureQueriesContext(connection) as queries:
        assert desired_state.manifest(request).status == 304
    # The listener reads the client before this; here it is asked whether a rollback concerns it.
    (asked,) = queries.captured_queries
    assert asked["sql"].startswith("SELECT")


def test_the_counter_survives_a_restart_of_the_listener(wire: Wire, edge: httpx.Client) -> None:
    (device,) = talk.a_plant(wire)
    before = ask(edge)
    with wired(wire.folder / "again", ROUTES) as second, second.client("line-4") as same:
        after = ask(same)
        assert after.content == before.content
        talk.roll_out([device], "2.0.0")
        assert ask(same).json()["manifestVersion"] == 2


def test_a_head_request_tells_the_headers_and_proves_nothing(
    wire: Wire, edge: httpx.Client
) -> None:
    (device,) = talk.a_plant(wire)
    answer = edge.head(MANIFEST)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == MANIFEST_TYPE
    assert talk.client_of(device).proved_version == 0
    assert answer.headers["etag"] == ask(edge).headers["etag"]
    assert talk.client_of(device).proved_version == 1


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        pytest.param("POST", MANIFEST, "GET", id="manifest"),
        pytest.param("DELETE", f"{MANIFEST}/x/sha256:00", "GET", id="document"),
        pytest.param("PUT", "/api/v1/bundles/x", "GET", id="bundle"),
        pytest.param("PUT", f"{MANIFEST}/x/status", "GET, POST", id="status"),
        pytest.param("PATCH", "/api/v1/capabilities/x", "DELETE, PUT", id="capabilities"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    edge: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = edge.request(method, path)
    talk.assert_problem(answer, 405, "")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1/",
        "/api/v1/deployments/",
        "/api/v2/deployments",
        "/admin/",
        "/api/v1/deployments/a/b/c",
        "/api/v1/bundles/",
        "/api/v1/bundles/a/b",
        "//api/v1/bundles",
        "/api/v1/deployment%73/x/y/z",
    ],
)
def test_an_unknown_path_is_not_found(edge: httpx.Client, path: str) -> None:
    talk.assert_problem(edge.get(path), 404, "")


def test_a_query_string_changes_nothing(edge: httpx.Client) -> None:
    assert edge.get(f"{MANIFEST}?version=7").json()["manifestVersion"] == 1


def test_progress_shows_that_the_client_knows(wire: Wire, edge: httpx.Client) -> None:
    talk.a_plant(wire)
    ask(edge)
    assert Instance.objects.get().progress_words == "Knows about it (manifest 1)"


def test_a_star_proves_nothing(wire: Wire, edge: httpx.Client) -> None:
    (device,) = talk.a_plant(wire)
    assert ask(edge, if_none_match="*").status_code == 304
    assert talk.client_of(device).manifest_version == 1
    assert talk.client_of(device).proved_version == 0


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
