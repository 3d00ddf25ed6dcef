"""The small framework of the device interface: routes, problems, mishaps."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.db import InterfaceError, OperationalError, connection
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.models import Client
from devices.southbound import application as framework
from devices.southbound.http import Answer, Request
from devices.southbound.problems import FieldError, Kind, ProblemError, problem
from devices.southbound.routing import Route, RouteTable
from tests.wire import Wire, wired

pytestmark = pytest.mark.django_db(transaction=True)


def echo(request: Request) -> Answer:
    told = repr((dict(request.params), request.headers.get("x-many"), request.path))
    return Answer(200, told.encode(), {"Content-Type": "text/plain", "ETag": '"1"'})


def busy(request: Request) -> Answer:
    raise OperationalError("database is locked")


def away(request: Request) -> Answer:
    raise InterfaceError("connection already closed")


def broken(request: Request) -> Answer:
    raise ValueError("a secret detail")


def unchanged(request: Request) -> Answer:
    return Answer(304, b"", {"ETag": '"1"'})


def half_written(request: Request) -> Answer:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nonsense FROM nowhere")
    return Answer(200)


ROUTES = [
    Route("GET", "/api/v1/things", echo),
    Route("GET", "/api/v1/things/{name}/{digest}", echo),
    Route("POST", "/api/v1/things/{name}/status", echo, body_limit_bytes=10),
    Route("PUT", "/api/v1/rest/{name:path}", echo),
    Route("GET", "/busy", busy),
    Route("GET", "/away", away),
    Route("GET", "/broken", broken),
    Route("GET", "/unchanged", unchanged),
    Route("GET", "/half", half_written),
]


@pytest.fixture
def device(wire: Wire) -> Iterator[httpx.Client]:
    with wire.client() as client:
        yield client


def test_an_answer_arrives_as_it_was_given(device: httpx.Client) -> None:
    answer = device.get("/api/v1/things", headers=[("X-Many", "a"), ("X-Many", "b")])
    assert answer.text == "({}, 'a, b', '/api/v1/things')"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert "server" not in answer.headers


def test_head_is_get_without_the_body(device: httpx.Client) -> None:
    answer = device.head("/api/v1/things")
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, b"", '"1"')


def test_nothing_new_has_no_body(device: httpx.Client) -> None:
    answer = device.get("/unchanged")
    assert (answer.status_code, answer.content) == (304, b"")
    assert "content-length" not in answer.headers


def test_a_wrong_path_is_404_and_a_wrong_method_405(device: httpx.Client) -> None:
    for path in ("/", "/api", "/api/v1/things/", "/api/v1/things/a", "/API/v1/things"):
        answer = device.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "about:blank")
        assert answer.json()["title"] == "Not Found"
    answer = device.delete("/api/v1/things")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["title"] == "Method Not Allowed"


def test_each_route_has_a_body_limit_of_its_own(device: httpx.Client) -> None:
    assert device.post("/api/v1/things/a/status", content=b"0123456789").status_code == 200
    answer = device.post("/api/v1/things/a/status", content=b"0123456789x")
    assert (answer.status_code, answer.json()["type"]) == (413, "about:blank")
    assert device.get("/api/v1/things").status_code == 200


@pytest.mark.parametrize("path", ["/busy", "/away", "/half"])
def test_a_database_in_trouble_is_503_with_a_time_to_come_again(
    device: httpx.Client, path: str
) -> None:
    answer = device.get(path)
    if path == "/half" and connection.vendor == "postgresql":
        assert answer.status_code == 500
        return
    told = answer.json()
    assert answer.status_code == told["status"] == 503
    assert int(answer.headers["retry-after"]) == told["retryAfterSeconds"] > 0
    assert (told["retryable"], told["backoffStrategy"]) == (True, "exponential")
    assert (told["type"], told["title"]) == ("about:blank", "Service Unavailable")


def test_a_mistake_of_ours_is_500_and_says_nothing_of_it(
    device: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = device.get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["retryable"] is True
    assert int(answer.headers["retry-after"]) > 0
    assert "a secret detail" in caplog.text
    assert device.get("/api/v1/things").status_code == 200


def test_too_many_waiting_requests_are_put_off(
    device: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framework, "_MAX_WAITING", 0)
    assert device.get("/api/v1/things").status_code == 503


def test_a_body_that_never_comes_is_not_waited_for(
    device: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framework, "_BODY_SECONDS", 0.2)

    def dawdle() -> Iterator[bytes]:
        yield b"x"
        time.sleep(1)

    answer = device.put("/api/v1/rest/a", content=dawdle())
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")


def test_a_refused_request_is_not_a_sign_of_life(tmp_path: Path) -> None:
    with wired(tmp_path, ROUTES) as wire, wire.client() as client:
        Client.objects.update(state="retired")
        assert client.get("/api/v1/things").status_code == 403
    assert Client.objects.get().last_seen_at is None


TABLE = RouteTable(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        pytest.param("GET", "/api/v1/things/a/b", {"name": "a", "digest": "b"}, id="two"),
        pytest.param(
            "GET",
            "/api/v1/things/a%2Fb/sha256%3Ac",
            {"name": "a/b", "digest": "sha256:c"},
            id="encoded",
        ),
        pytest.param("POST", "/api/v1/things/status/status", {"name": "status"}, id="status twice"),
        pytest.param("PUT", "/api/v1/rest/a/b%2Fc//d", {"name": "a/b/c//d"}, id="the rest"),
        pytest.param("PUT", "/api/v1/rest/%ff", {"name": "\ufffd"}, id="no UTF-8"),
        pytest.param("GET", "/%61pi/v1/things", {}, id="a needlessly encoded letter"),
    ],
)
def test_paths_are_cut_before_they_are_decoded(
    method: str, path: str, params: dict[str, str]
) -> None:
    assert TABLE.find(method, path)[1] == params


@settings(deadline=None)
@given(path=st.text(alphabet="/%2Ff0.~aé\0", max_size=40), method=st.sampled_from(["GET", "X"]))
def test_any_path_finds_a_route_or_a_problem(path: str, method: str) -> None:
    params: dict[str, str] = {}
    with contextlib.suppress(ProblemError):
        _, params = TABLE.find(method, f"/api/v1/rest{path}")
    assert all("\0" not in value for value in params.values())


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.wire_name)
def test_every_kind_of_problem_is_spelt_in_full(kind: Kind) -> None:
    answer = problem(ProblemError(kind, "Because.", errors=[FieldError("a", "b")]), "/x")
    assert answer.status == kind.status
    assert "Retry-After" not in answer.headers
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert b'"errors": [{"field": "a", "message": "b"}]' in answer.body


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_be_tried_again_says_when(status: int) -> None:
    answer = problem(ProblemError(status, "Later.", retry_after_seconds=7), "/x")
    assert answer.headers["Retry-After"] == "7"
    assert b'"retryAfterSeconds": 7' in answer.body


def test_without_an_identity_there_is_no_answer_but_403(tmp_path: Path) -> None:
    with wired(tmp_path, ROUTES) as wire:
        app = wire.server.config.app
    transport = httpx.ASGITransport(app=app)  # served by something that is not our listener

    async def ask() -> int:
        async with httpx.AsyncClient(transport=transport, base_url="https://a") as client:
            return (await client.get("/api/v1/things")).status_code

    assert asyncio.run(ask()) == 403
