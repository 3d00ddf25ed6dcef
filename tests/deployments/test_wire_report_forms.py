"""What a report may look like: forms that devices in the field send, faults that are refused."""

import json

import pytest

from deployments.models import Instance, StatusReport
from tests.deployments import talk
from tests.deployments.talk import Press, a_report

Json = dict[str, object]


ERROR = {"code": "E7", "source": "mixer", "message": "no space"}
NONE = {"code": "", "source": "", "message": " "}
TAKEN = [
    pytest.param({}, id="as it should be"),
    pytest.param({"adoptedManifestVersion": "1"}, id="the version as a decimal string"),
    pytest.param({"adoptedManifestVersion": 1.0}, id="the version as a float"),
    pytest.param({"adoptedManifestVersion": None}, id="no version, as before rc.3"),
    pytest.param({"deviceId": "press-1"}, id="its device"),
    pytest.param({"apiVersion": "deployment.margo/v1", "kind": "DeploymentStatus"}, id="older"),
    pytest.param({"x-acme-extensions": {"a": [1]}, "unheard": None}, id="unknown members"),
    pytest.param({"components": []}, id="no components"),
    pytest.param({"status": {"state": "installed", "error": NONE}}, id="an error that is none"),
    pytest.param({"status": {"state": "installed", "error": {}}}, id="an empty error"),
    pytest.param({"status": {"state": "installed", "error": None}}, id="error null"),
    pytest.param({"status": {"state": "installed", "since": "noon"}}, id="more in the status"),
    pytest.param(
        {"components": [{"name": "c", "state": "installed", "version": 2}]}, id="more in a part"
    ),
    pytest.param(
        {"components": [{"name": "c", "state": "failed"}]}, id="a part that says something else"
    ),
]


@pytest.mark.parametrize("members", TAKEN)
def test_what_devices_in_the_field_send_counts(press: Press, members: Json) -> None:
    assert press.say(**members).status_code == 200
    assert (press.state, press.remark) == ("installed", "")
    assert StatusReport.objects.get().error == ""


REFUSED: list[object] = [
    pytest.param({"deploymentId": None}, "deploymentId", id="no deployment id"),
    pytest.param({"deploymentId": "x"}, "deploymentId", id="another deployment id"),
    pytest.param({"deploymentId": 5}, "deploymentId", id="a number as deployment id"),
    pytest.param({"adoptedManifestVersion": 0}, "adoptedManifestVersion", id="version 0"),
    pytest.param({"adoptedManifestVersion": -1}, "adoptedManifestVersion", id="version -1"),
    pytest.param({"adoptedManifestVersion": 1.5}, "adoptedManifestVersion", id="version 1.5"),
    pytest.param({"adoptedManifestVersion": 2**64}, "adoptedManifestVersion", id="2^64"),
    pytest.param({"adoptedManifestVersion": True}, "adoptedManifestVersion", id="version true"),
    pytest.param({"adoptedManifestVersion": "one"}, "adoptedManifestVersion", id="in words"),
    pytest.param({"adoptedManifestVersion": "9" * 30}, "adoptedManifestVersion", id="too long"),
    pytest.param({"adoptedManifestVersion": "١"}, "adoptedManifestVersion", id="other digits"),
    pytest.param({"adoptedManifestVersion": [1]}, "adoptedManifestVersion", id="a list"),
    pytest.param({"status": None}, "status", id="no status"),
    pytest.param({"status": "installed"}, "status", id="a status that is a word"),
    pytest.param({"status": {}}, "status.state", id="no state"),
    pytest.param({"status": {"state": "done"}}, "status.state", id="an unknown state"),
    pytest.param({"status": {"state": "Installed"}}, "status.state", id="a capital letter"),
    pytest.param({"status": {"state": ["installed"]}}, "status.state", id="a list of states"),
    pytest.param(
        {"status": {"state": "failed", "error": "disk"}}, "status.error", id="an error in words"
    ),
    pytest.param({"components": None}, "components", id="no components"),
    pytest.param({"components": {}}, "components", id="components that are no list"),
    pytest.param({"components": ["c"]}, "components[0]", id="a part that is a word"),
    pytest.param(
        {"components": [{"state": "installed"}]}, "components[0].name", id="a part without name"
    ),
    pytest.param(
        {"components": [{"name": "a", "state": "installed"}, {"name": "b", "state": "up"}]},
        "components[1].state",
        id="a part in an unknown state",
    ),
    pytest.param({"deviceId": 5}, "deviceId", id="a number as device"),
    pytest.param({"deviceId": "press-2"}, "deviceId", id="another device"),
    pytest.param({"deviceId": "PRESS-1"}, "deviceId", id="a device in capitals"),
]


@pytest.mark.parametrize(("members", "field"), REFUSED)
def test_what_breaks_a_rule_is_told_by_field_and_leaves_no_trace(
    press: Press, members: Json, field: str
) -> None:
    with talk.nothing_written():
        answer = press.say(**members)
    assert field in talk.assert_problem(answer, 422, "semantic-error")


MALFORMED = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"installed", id="a word"),
    pytest.param(b"{", id="half an object"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b"null", id="null"),
    pytest.param(b'"{}"', id="a string"),
    pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
    pytest.param(b'{"deploymentId": "\xe9"}', id="Latin-1"),
    pytest.param(b'{"adoptedManifestVersion": NaN}', id="not a number"),
    pytest.param(b'{"adoptedManifestVersion": 1e999}', id="infinity"),
    pytest.param(b'{"adoptedManifestVersion": ' + b"1" * 5000 + b"}", id="5000 digits"),
    pytest.param(b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", id="5000 levels deep"),
    pytest.param(b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", id="100 levels deep"),
]


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_body_is_refused_and_leaves_no_trace(press: Press, body: bytes) -> None:
    with talk.nothing_written():
        answer = press.post(body)
    talk.assert_problem(answer, 400, "invalid-request")


def test_a_body_of_more_than_a_mebibyte_is_refused(press: Press) -> None:
    error = {"code": "", "source": "", "message": "x" * 2**20}
    with talk.nothing_written():
        answer = press.say("failed", status={"state": "failed", "error": error})
    talk.assert_problem(answer, 413, "")
    assert press.say().status_code == 200


def test_many_faults_are_told_in_part(press: Press) -> None:
    answer = press.say(components=[{"name": "c", "state": "up"}] * 20_000)
    assert len(talk.assert_problem(answer, 422, "semantic-error")) == 50


def test_a_body_may_come_in_chunks(press: Press) -> None:
    text = json.dumps(a_report(press.uid)).encode()
    chunks = (text[start : start + 5] for start in range(0, len(text), 5))
    url = f"/api/v1/deployments/{press.uid}/status"
    assert press.edge.post(url, content=chunks).status_code == 200
    assert press.state == "installed"


def test_the_content_type_is_not_asked_for(press: Press) -> None:
    text = json.dumps(a_report(press.uid))
    url = f"/api/v1/deployments/{press.uid}/status"
    for content_type in ("text/plain", "application/json; charset=utf-8", ""):
        headers = {"Content-Type": content_type}
        assert press.edge.post(url, content=text, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("escaped", "kept"),
    [
        pytest.param(r"disk \u0000 full", "disk \N{REPLACEMENT CHARACTER} full", id="NUL"),
        pytest.param(r"disk \ud800 full", "disk \N{REPLACEMENT CHARACTER} full", id="half"),
        pytest.param(r"\udc00\ud800", "\N{REPLACEMENT CHARACTER}" * 2, id="the halves swapped"),
        pytest.param(r"\ud83d\udca5", "\N{COLLISION SYMBOL}", id="both halves"),
        pytest.param("<script>alert('&')</script>", "<script>alert('&')</script>", id="HTML"),
        pytest.param(r"line 1\nline 2\t\u001b[31m", "line 1\nline 2\t\x1b[31m", id="controls"),
    ],
)
def test_no_report_is_lost_over_what_its_error_says(press: Press, escaped: str, kept: str) -> None:
    error = {"code": "", "source": "", "message": "@"}
    parts = [{"name": "@", "state": "failed"}]
    status = {"state": "failed", "error": error}
    told = json.dumps(a_report(press.uid, status=status, components=parts, **{"@": "@"}))
    assert press.post(told.replace("@", escaped).encode()).status_code == 200
    assert (press.state, Instance.objects.get().last_error) == ("failed", kept)
    report = StatusReport.objects.get()
    assert (report.error, report.components[0]["name"]) == (kept, kept)


def test_a_long_error_and_many_components_are_kept_in_part(press: Press) -> None:
    parts = [{"name": f"part-{n}" * 50, "state": "failed", "error": ERROR} for n in range(1500)]
    error = {"code": 7, "source": "mixer", "message": "x" * 100_000}
    answer = press.say("failed", components=parts, status={"state": "failed", "error": error})
    assert answer.status_code == 200
    report = StatusReport.objects.get()
    assert report.error.startswith("mixer (7): xxx")
    assert len(report.error) == 4000
    assert len(report.components) == 1500
    assert len(Instance.objects.get().last_error) == 4000


def test_an_error_of_a_part_is_shown_when_the_whole_has_none(press: Press) -> None:
    press.say("failed", components=[{"name": "screen", "state": "failed", "error": ERROR}])
    assert Instance.objects.get().last_error == "screen: mixer (E7): no space"
