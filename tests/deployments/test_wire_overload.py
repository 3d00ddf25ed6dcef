"""An overloaded portal puts a report off: 503 with a time to come again, never 429, never lost."""

import pytest

from deployments.models import Instance, StatusReport
from devices.southbound import application as framework
from tests.deployments import talk
from tests.deployments.talk import a_report
from tests.wire import Wire


def test_a_report_is_put_off_and_counts_when_it_comes_again(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wire.client("line-4") as edge:
        (device,) = talk.a_plant(wire)
        edge.get(talk.MANIFEST)
        uid = talk.uid_of(device)
        url = f"/api/v1/deployments/{uid}/status"
        with monkeypatch.context() as busy, talk.nothing_written():
            busy.setattr(framework, "_MAX_WAITING", 0)
            answer = edge.post(url, json=a_report(uid))
        told = answer.json()
        assert (answer.status_code, told["retryable"]) == (503, True)
        assert int(answer.headers["retry-after"]) == told["retryAfterSeconds"] > 0
        assert talk.post(edge, uid, a_report(uid)).status_code == 200
    assert Instance.objects.get().state == "installed"


def test_however_often_it_comes_a_report_is_taken(wire: Wire) -> None:
    with wire.client("line-4") as edge:
        (device,) = talk.a_plant(wire)
        edge.get(talk.MANIFEST)
        uid = talk.uid_of(device)
        words = ["installing", "failed"] * 100 + ["installed"]
        answers = {talk.post(edge, uid, a_report(uid, word)).status_code for word in words}
    assert answers == {200}
    assert Instance.objects.get().state == "installed"
    assert StatusReport.objects.count() == len(words)
