"""A device reports how a deployment fares, over a real mutual-TLS connection."""

import uuid
from datetime import UTC, datetime

import httpx
import pytest
from django.conf import LazySettings
from django.db import connections

from deployments.models import Instance, StatusReport, Workload
from devices import registry
from devices.models import Device
from tests.deployments import plant, talk
from tests.deployments.talk import Press, a_report
from tests.wire import Wire

Json = dict[str, object]


def test_the_way_of_a_good_device(press: Press) -> None:
    seen = []
    for state in ("pending", "installing", "installed"):
        assert press.say(state).status_code == 200
        seen.append((press.state, Workload.objects.get().state))
    assert seen == [("pending", "pending"), ("installing", "installing"), ("installed",) * 2]
    assert Workload.objects.get().installed == Workload.objects.get().wanted


def test_the_answer_has_no_body(press: Press) -> None:
    answer = press.say()
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "0"


def test_a_report_answered_200_is_in_the_database(press: Press) -> None:
    for number, state in enumerate(("pending", "installing", "failed", "installed"), start=1):
        assert press.say(state).status_code == 200
        # A connection of its own sees only what was committed.
        connections.close_all()
        assert StatusReport.objects.count() == number


ERROR = {"code": "E7", "source": "mixer", "message": "no space"}


def test_one_success_told_in_three_spellings_of_the_version_is_one_success(press: Press) -> None:
    press.say()
    changes = Instance.objects.get().changes
    for version in ("1", 1.0, None):
        assert press.say(adoptedManifestVersion=version).status_code == 200
    assert Instance.objects.get().changes == changes


UNKNOWN = [
    pytest.param(str(uuid.UUID(int=0)), id="an id of nothing"),
    pytest.param("not-a-uuid", id="no id"),
    pytest.param("%F0%9F%92%A5", id="no ASCII"),
    pytest.param("x" * 1000, id="a long one"),
]


@pytest.mark.parametrize("uid", UNKNOWN)
@pytest.mark.parametrize(("choice", "kind"), [(404, ""), (422, "semantic-error"), (200, None)])
def test_an_unknown_deployment_is_answered_as_the_setting_says(
    press: Press, settings: LazySettings, uid: str, choice: int, kind: str | None
) -> None:
    settings.MARGO_UNKNOWN_STATUS_ANSWER = choice
    named = httpx.URL(f"https://x/{uid}").path[1:]
    with talk.nothing_written():
        answer = talk.post(press.edge, uid, a_report(named))
    assert answer.status_code == choice
    if kind is not None:
        talk.assert_problem(answer, choice, kind)


def test_an_id_has_one_spelling(press: Press) -> None:
    for uid in (f"{{{press.uid}}}", f"urn:uuid:{press.uid}", press.uid.replace("-", "")):
        talk.assert_problem(talk.post(press.edge, uid, a_report(uid)), 404, "")


def test_an_id_may_be_written_in_capitals(press: Press) -> None:
    uid = press.uid.upper()
    assert talk.post(press.edge, uid, a_report(uid)).status_code == 200


def test_another_clients_deployment_looks_as_if_it_did_not_exist(wire: Wire, press: Press) -> None:
    nowhere = str(uuid.UUID(int=1))
    with wire.client("line-5") as other, talk.nothing_written():
        answers = [talk.post(other, uid, a_report(uid)) for uid in (press.uid, nowhere)]
    told = [
        answer.text.replace(uid, "")
        for answer, uid in zip(answers, (press.uid, nowhere), strict=True)
    ]
    talk.assert_problem(answers[0], 404, "")
    assert told[0] == told[1]


def test_a_broken_report_about_an_unknown_deployment_is_a_broken_report(press: Press) -> None:
    uid = str(uuid.UUID(int=0))
    answer = talk.post(press.edge, uid, a_report(uid, status={"state": "done"}))
    talk.assert_problem(answer, 422, "semantic-error")


def test_a_retired_client_cannot_report(press: Press) -> None:
    client = talk.client_of(press.device)
    client.state = "retired"
    client.save(update_fields=["state"])
    with talk.nothing_written():
        answer = press.say()
    talk.assert_problem(answer, 403, "not-authorized")


def test_the_same_report_again_counts_once(press: Press) -> None:
    press.say("installing")
    press.say()
    before = talk.rows()
    for _ in range(3):
        assert press.say().status_code == 200
    for name, rows in talk.rows().items():
        if name != "Workload":
            assert rows == before[name]


def test_the_same_failure_again_counts_once(press: Press) -> None:
    failing = {"state": "failed", "error": ERROR}
    press.say("failed", status=failing)
    changes = Instance.objects.get().changes
    press.say("failed", status=failing)
    assert Instance.objects.get().changes == changes
    assert StatusReport.objects.count() == 1


def test_what_was_installed_and_fails_has_drifted(press: Press) -> None:
    press.say()
    press.say("failed", status={"state": "failed", "error": ERROR})
    row = Instance.objects.get()
    assert (row.state, row.failure, row.last_error) == ("failed", "drifted", "mixer (E7): no space")
    press.say()
    assert (press.state, Instance.objects.get().failure) == ("installed", "")


def test_late_words_about_the_way_take_no_end_back(press: Press) -> None:
    press.say()
    for state in ("installing", "pending", "removing"):
        assert press.say(state).status_code == 200
        assert press.state == "installed"


def test_the_device_is_failing_while_one_of_its_applications_is(press: Press) -> None:
    press.say("failed")
    assert Device.objects.get().failing
    press.say("installing")
    assert not Device.objects.get().failing


def test_a_report_about_an_older_manifest_is_history(press: Press) -> None:
    talk.roll_out([press.device], "2.0.0")
    press.ask()
    for state in ("installed", "failed", "removed"):
        assert press.say(state, adoptedManifestVersion=1).status_code == 200
        assert press.state == "pending"
        assert press.remark == "About manifest 1; the current content came with a later one."
    press.say(adoptedManifestVersion=2)
    assert press.state == "installed"


@pytest.mark.parametrize("version", [2, 2**53 + 1, 2**64 - 1, str(2**64 - 1)])
def test_a_report_about_a_manifest_that_was_never_published_is_history(
    press: Press, version: int | str
) -> None:
    assert press.say(adoptedManifestVersion=version).status_code == 200
    assert press.state == "pending"
    assert press.remark == f"About manifest {version}, which was never published to this client."
    press.say(adoptedManifestVersion=version)
    assert StatusReport.objects.count() == 1


def test_a_report_before_the_new_content_was_published_is_about_the_old(press: Press) -> None:
    talk.roll_out([press.device], "2.0.0")
    press.say(adoptedManifestVersion=1)
    assert (press.state, press.remark) == ("pending", "")
    said, workload = StatusReport.objects.latest("pk"), Workload.objects.get()
    assert workload.wanted.replaces == said.revision == workload.installed


def test_without_a_version_it_counts_once_the_client_fetched_the_manifest(press: Press) -> None:
    talk.roll_out([press.device], "2.0.0")
    old = press.ask(if_none_match="*").headers["etag"]
    press.say(adoptedManifestVersion=None)
    assert press.state == "pending"
    assert press.remark.startswith("Sent without a manifest version, before the client held")
    assert press.ask().headers["etag"] == old
    press.say(adoptedManifestVersion=None)
    assert (press.state, press.remark) == ("installed", "")


def test_without_a_version_it_counts_once_the_client_showed_the_etag(press: Press) -> None:
    talk.roll_out([press.device], "2.0.0")
    etag = press.edge.head(talk.MANIFEST).headers["etag"]
    press.say(adoptedManifestVersion=None)
    assert press.state == "pending"
    assert press.ask(if_none_match=etag).status_code == 304
    press.say(adoptedManifestVersion=None)
    assert press.state == "installed"


def test_a_client_that_never_sends_an_etag_is_served_all_the_same(press: Press) -> None:
    contents = {press.ask().content for _ in range(3)}
    assert len(contents) == 1
    press.say("pending", adoptedManifestVersion=None)
    press.say(adoptedManifestVersion=None)
    assert press.state == "installed"


def test_a_device_that_was_removed_may_still_report(press: Press) -> None:
    registry.remove(talk.client_of(press.device), "press-1", datetime.now(UTC))
    for state in ("removing", "removed"):
        assert press.say(state).status_code == 200
    assert StatusReport.objects.count() == 2


def test_a_report_about_what_is_no_longer_wanted_is_history(press: Press) -> None:
    press.say()
    Workload.objects.update(wanted=None)
    for state in ("removed", "removing", "installed", "removed"):
        assert press.say(state).status_code == 200
        assert press.remark == "There is nothing published here that it could be about."
    assert press.state == "installed"


def test_children_report_under_their_own_deployments(wire: Wire) -> None:
    with wire.client("line-6") as edge:
        devices = talk.a_plant(wire, "gw", "gw/cell/press-1", name="line-6")
        edge.get(talk.MANIFEST)
        for device in devices:
            uid = talk.uid_of(device)
            body = a_report(uid, deviceId=device.path)
            assert talk.post(edge, uid, body).status_code == 200
        wrong = a_report(talk.uid_of(devices[0]), deviceId="gw/cell/press-1")
        answer = talk.post(edge, talk.uid_of(devices[0]), wrong)
        assert talk.assert_problem(answer, 422, "semantic-error") == ["deviceId"]
    assert set(Instance.objects.values_list("state", flat=True)) == {"installed"}


def test_a_head_or_get_of_a_report_is_refused(press: Press) -> None:
    url = f"/api/v1/deployments/{press.uid}/status"
    # Read as a document's URL: there is no content with the digest "status".
    talk.assert_problem(press.edge.get(url), 404, "deployment-not-found")


def test_two_applications_of_one_device_are_told_apart(wire: Wire, press: Press) -> None:
    plant.a_rollout([press.device], plant.a_version("1.0.0", app_id="pump"))
    press.ask()
    pump = str(Workload.objects.get(application__app_id="pump").uid)
    assert talk.post(press.edge, pump, a_report(pump, adoptedManifestVersion=2)).status_code == 200
    states = Instance.objects.values_list("application__app_id", "state")
    assert dict(states) == {"mixer": "pending", "pump": "installed"}
