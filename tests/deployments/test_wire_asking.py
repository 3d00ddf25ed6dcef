"""How a client may ask: holding what it has, accepting what it likes, where and by which method."""

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.southbound import desired_state
from devices.southbound.http import Request
from tests.deployments import plant, talk
from tests.deployments.talk import MANIFEST, MANIFEST_TYPE, ask
from tests.wire import Wire

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


def test_a_star_proves_nothing(wire: Wire, edge: httpx.Client) -> None:
    (device,) = talk.a_plant(wire)
    assert ask(edge, if_none_match="*").status_code == 304
    assert talk.client_of(device).manifest_version == 1
    assert talk.client_of(device).proved_version == 0
