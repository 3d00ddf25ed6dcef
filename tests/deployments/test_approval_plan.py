"""What exactly was approved: the digest, editing afterwards, rules at submit, times to start."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments import approval, moves, submitting
from deployments.models import Deployment, Instance
from devices.models import Device
from tests import cast
from tests.deployments import plant
from tests.deployments.plant import NOON, after
from tests.deployments.test_approval import (
    a_rule,
    a_waiting_deployment,
    approve,
    refused,
    submit,
    told,
)

pytestmark = pytest.mark.django_db


def _other_device(deployment: Deployment) -> None:
    last = Instance.objects.filter(deployment=deployment).order_by("-position")[:1]
    Instance.objects.filter(pk__in=last.values("pk")).update(device=plant.a_device())


def _one_less(deployment: Deployment) -> None:
    Instance.objects.get(deployment=deployment, position=2).delete()


def _one_more(deployment: Deployment) -> None:
    row = Instance.objects.filter(deployment=deployment).order_by("-position")[0]
    row.pk, row.position, row.device = None, row.position + 1, plant.a_device()
    row.save(force_insert=True)


def _other_order(deployment: Deployment) -> None:
    Instance.objects.filter(deployment=deployment, position=1).update(position=9)


def _write(**values: object):
    return lambda deployment: Deployment.objects.filter(pk=deployment.pk).update(**values)


def _other_version(deployment: Deployment) -> None:
    _write(version=plant.a_version("2.0.0"))(deployment)


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(_other_version, id="version"),
        pytest.param(_write(profile_id="helm"), id="profile"),
        pytest.param(_write(resolved={"speed": {"value": 99}}), id="parameters"),
        pytest.param(_write(content="sha256:0"), id="content"),
        pytest.param(_write(strategy={"max_failures": 100}), id="strategy"),
        pytest.param(_other_device, id="another device"),
        pytest.param(_one_less, id="a device less"),
        pytest.param(_one_more, id="a device more"),
        pytest.param(_other_order, id="another order"),
        pytest.param(_write(approved_digest=""), id="never approved"),
    ],
)
@pytest.mark.parametrize("stale", [False, True], ids=["read anew", "read before"])
def test_what_is_not_exactly_what_was_approved_does_not_start(tamper, stale):
    deployment = a_waiting_deployment(devices=3)
    approve(deployment)
    tamper(deployment)
    if not stale:
        deployment = Deployment.objects.get(pk=deployment.pk)
    elif tamper.__name__ == "<lambda>" and not Deployment.objects.get().approved_digest:
        deployment.approved_digest = ""
    with refused("Rollout is not what was approved: edit it and ask again"):
        moves.start(deployment, actor=None, now=NOON)
    assert Deployment.objects.get().stage == "ready"
    assert not Instance.objects.filter(holds=True).exists()


def test_what_was_never_sealed_cannot_be_approved_into_starting():
    deployment = a_waiting_deployment()
    Deployment.objects.update(plan_digest="")
    deployment.refresh_from_db()
    approve(deployment)
    with refused("is not what was approved"):
        moves.start(deployment, actor=None, now=NOON)


def test_a_number_that_the_database_writes_in_its_own_way_is_what_was_approved():
    value = {"value": 1e16, "targets": [{"pointer": "SPEED", "components": ["controller"]}]}
    schemas = {"turns": {"name": "turns", "dataType": "double"}}
    version = plant.a_version(parameters={"speed": value}, schemas=schemas)
    draft = plant.a_draft([plant.a_device()], version)
    submit(draft, ask_approval=True)
    approve(draft)
    deployment = Deployment.objects.get()
    assert float(deployment.resolved["speed"]["value"]) == 1e16
    moves.start(deployment, actor=None, now=NOON)


def test_a_device_whose_labels_change_is_still_what_was_approved():
    deployment = a_waiting_deployment()
    approve(deployment)
    Device.objects.update(assigned_labels={"line": ["9"]}, vendor="Southwind")
    moves.start(Deployment.objects.get(), actor=None, now=NOON)


def test_editing_gives_the_approval_up_and_a_rule_asks_again():
    rule = a_rule()
    draft = plant.a_draft([plant.a_device()])
    submit(draft)
    approve(draft, cast.admin())
    moves.reopen(draft, actor=None, now=NOON)
    draft.refresh_from_db()
    given_up = {name: getattr(draft, name) for name in approval.NONE_YET}
    assert given_up == approval.NONE_YET
    submit(draft)
    assert (draft.stage, draft.approved_digest, draft.approved_by) == (
        "awaiting_approval",
        "",
        None,
    )
    with refused("Start is possible while"):
        moves.start(draft, actor=None, now=NOON)
    moves.reopen(draft, actor=None, now=NOON)
    rule.delete()
    submit(draft)
    assert draft.stage == "ready"


def test_an_approval_is_not_carried_over_to_the_same_plan_submitted_again():
    deployment = a_waiting_deployment()
    approve(deployment)
    approved = deployment.approved_digest
    moves.reopen(deployment, actor=None, now=NOON)
    submit(deployment, ask_approval=True)
    assert (deployment.plan_digest, deployment.approved_digest) == (approved, "")


def test_rules_are_asked_at_submit_whatever_the_preview_said():
    draft = plant.a_draft([plant.a_device()])
    shown = submitting.preview(draft, now=NOON)
    assert shown.approval == []
    rule = a_rule()
    submit(draft, plan_digest=shown.digest)
    assert draft.stage == "awaiting_approval"
    rule.delete()
    assert Deployment.objects.get().approval_reasons == ["Rule “Everything”: more than 0 devices."]
    moves.reopen(draft, actor=None, now=NOON)
    rule = a_rule()
    shown = submitting.preview(draft, now=NOON)
    assert shown.approval == ["Rule “Everything”: more than 0 devices."]
    rule.delete()
    submit(draft, plan_digest=shown.digest)
    assert draft.stage == "ready"


def test_a_rule_made_after_the_submit_stops_nothing():
    deployment = plant.a_ready_deployment([plant.a_device()])
    a_rule()
    moves.start(deployment, actor=None, now=NOON)


def test_a_plan_with_problems_is_refused_with_them_whoever_asks():
    a_rule()
    with refused("No device is chosen"):
        submit(plant.a_draft([]), ask_approval=True)
    assert Deployment.objects.get().stage == "draft"


def test_one_that_waits_for_approval_blocks_nobody():
    device, version = plant.a_device(), plant.a_version()
    draft = plant.a_draft([device], version)
    submit(draft, ask_approval=True)
    plant.a_rollout([device], version)
    approve(draft)
    with refused("Rollout is changing Mixer"):
        moves.start(draft, actor=None, now=NOON)


def test_approved_in_time_it_starts_at_its_time():
    deployment = a_waiting_deployment()
    moves.schedule(deployment, after(600), actor=None, now=NOON)
    approve(deployment)
    assert (deployment.start_at, deployment.due_at) == (after(600), after(600))
    assert plant.tick(deployment, after(599)) == []
    plant.tick(deployment, after(600))
    assert deployment.stage == "rolling"


@pytest.mark.parametrize("late", [600, 700])
def test_approved_late_it_waits_for_a_person(late):
    deployment = a_waiting_deployment()
    moves.schedule(deployment, after(600), actor=None, now=NOON)
    assert plant.tick(deployment, after(601)) == []
    assert deployment.stage == "awaiting_approval"
    moves.approve(deployment, actor=None, now=after(late))
    deployment.refresh_from_db()
    assert (deployment.stage, deployment.start_at, deployment.due_at) == ("ready", None, None)
    assert told(deployment)[-1] == (
        "Approved. The time to start is over: somebody has to start it."
    )
    assert plant.tick(deployment, after(2000)) == []
    moves.start(deployment, actor=None, now=after(2000))


def test_the_engine_does_not_start_what_is_not_what_was_approved():
    deployment = a_waiting_deployment()
    moves.schedule(deployment, after(600), actor=None, now=NOON)
    approve(deployment)
    Deployment.objects.update(strategy={"max_failures": 100})
    plant.tick(deployment, after(600))
    assert (deployment.stage, deployment.start_at) == ("ready", None)
    assert told(deployment)[-1] == (
        "Could not start at the time that was set. "
        "Rollout is not what was approved: edit it and ask again."
    )


def test_editing_takes_the_time_to_start_back():
    deployment = a_waiting_deployment()
    moves.schedule(deployment, after(600), actor=None, now=NOON)
    approve(deployment)
    moves.reopen(deployment, actor=None, now=NOON)
    submit(deployment)
    assert plant.tick(deployment, after(600)) == []
    assert deployment.stage == "ready"


def test_a_submit_asks_the_database_as_often_for_3_devices_as_for_30():
    a_rule("Labels", labels="line=4")
    counts = []
    for size in (3, 30):
        draft = plant.a_draft([plant.a_device(line=4) for _ in range(size)])
        draft = Deployment.objects.select_related("version__application").get(pk=draft.pk)
        with CaptureQueriesContext(connection) as captured:
            submit(draft)
        counts.append(len(captured))
        Deployment.objects.all().delete()
        draft.version.delete()
    assert counts[0] == counts[1]


def test_who_began_a_draft_before_there_were_authors_is_its_author():
    person = cast.operator()
    draft = plant.a_draft([plant.a_device()])
    Deployment.objects.update(created_by=person)
    migration = import_module("deployments.migrations.0003_approval_rules_name_something")
    migration.note_authors(apps, None)
    draft.refresh_from_db()
    assert draft.authors == [person.pk]
