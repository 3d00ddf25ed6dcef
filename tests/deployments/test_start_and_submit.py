"""From draft to rolling: what is refused, and in which words."""

import pytest

from applications.models import ApplicationVersion
from deployments import drafting, moves, submitting
from deployments.models import Batch, Deployment, Instance
from deployments.strategy import StrategyError
from devices.models import Client, Device, DeviceGroup
from devices.selectors import SelectorError
from tests.deployments import plant
from tests.deployments.plant import NOON, after

pytestmark = pytest.mark.django_db


def submit(draft):
    submitting.submit(draft, actor=None, now=NOON)


def refused(match):
    return pytest.raises(moves.MoveRefusedError, match=match)


def test_the_frozen_targets_are_those_of_the_preview_in_its_order():
    devices = [plant.a_device(memory=memory) for memory in ("4Gi", "1Ki", "2Gi")]
    draft = plant.a_draft(devices)
    shown = submitting.preview(draft, now=NOON)
    submit(draft)
    paths = draft.instances.order_by("position").values_list("device__path", flat=True)
    assert (
        list(paths)
        == shown.batches[0].devices
        == [d.path for d in (devices[0], devices[2], devices[1])]
    )
    assert (shown.total, shown.fitting, shown.batches[0].size) == (3, 2, 3)


def test_batches_are_ranges_of_the_order_each_device_in_exactly_one():
    devices = [plant.a_device(memory=memory) for memory in ("1Ki", "4Gi", "4Gi", "4Gi", "4Gi")]
    strategy = {"kind": "canary", "canary_by": "count", "canary_count": 2}
    deployment = plant.a_ready_deployment(devices, canary_gate="automatic", **strategy)
    placed = deployment.instances.order_by("position").values_list("batch__number", "device")
    numbers, ids = zip(*placed, strict=True)
    assert numbers == (1, 1, 2, 2, 2)
    assert ids == tuple(device.pk for device in (*devices[1:], devices[0]))
    moves.start(deployment, actor=None, now=NOON)
    assert plant.tick(deployment) == ["Canary: released to 2 devices."]
    for device in devices[1:3]:
        plant.install(device)
    assert plant.tick(deployment)[-1] == "The rest: released to 2 devices."


def test_a_device_that_joins_while_the_plan_is_frozen_is_not_slipped_in(monkeypatch):
    group = DeviceGroup.objects.create(name="All", selector="!retired", created_at=NOON)
    device = plant.a_device()
    draft = plant.a_draft([])
    drafting.choose_devices(draft, {"groups": [group.pk]}, actor=None, now=NOON)
    real = submitting.move

    def join_first(*args, **kwargs):
        plant.a_device()
        real(*args, **kwargs)

    monkeypatch.setattr(submitting, "move", join_first)
    submit(draft)
    assert list(draft.instances.values_list("device", flat=True)) == [device.pk]
    assert draft.batches.get().size == draft.summary["total"] == 1


def test_a_thousand_reasons_cost_a_few_statements(django_assert_max_num_queries):
    devices = [plant.a_device(memory=f"{size}Ki") for size in range(1, 61)] + [plant.a_device()]
    draft = plant.a_draft(devices)
    with django_assert_max_num_queries(25):
        submit(draft)
    reasons = draft.instances.filter(state="skipped").values_list("last_error", flat=True)
    assert len(set(reasons)) == 60


def test_the_review_says_which_versions_are_replaced():
    old, new = plant.a_version("1.0.0"), plant.a_version("2.0.0")
    devices = [plant.a_device() for _ in range(3)]
    first = plant.a_rollout(devices[:2], new)
    for device in devices[:2]:
        plant.install(device)
    plant.tick(first)
    shown = submitting.preview(plant.a_draft(devices, old), now=NOON)
    assert shown.warnings == [
        "All 3 devices get it at once; there is no canary.",
        "2 devices run 2.0.0 now: Mixer 1.0.0 takes its place.",
    ]
    assert shown.problems == []


def test_the_review_says_what_runs_it_already_what_drifted_and_who_is_offline():
    version = plant.a_version()
    devices = [plant.a_device() for _ in range(4)]
    rollout = plant.a_rollout(devices[:3], version)
    for device in devices[:3]:
        plant.install(device)
    plant.tick(rollout)
    plant.tell(devices[1], "failed", now=after(5))
    plant.tell(devices[2], "removed", now=after(5))
    Client.objects.filter(devices=devices[3]).update(last_seen_at=NOON)
    shown = submitting.preview(plant.a_draft(devices, version), now=after(86_400))
    assert shown.warnings == [
        "All 4 devices get it at once; there is no canary.",
        "2 devices run 1.0.0 already: where the parameters are the same, nothing is sent.",
        "Mixer was last reported failed on 1 of these devices.",
        "Mixer is wanted, and was reported removed, on 1 of these devices.",
        "1 device is offline: what is sent waits until it comes back.",
    ]


def test_devices_that_do_not_fit_are_skipped_with_the_reason():
    small = plant.a_device(memory="512Mi")
    deployment = plant.a_ready_deployment([plant.a_device(), small])
    row = Instance.objects.get(device=small)
    assert (row.state, row.position) == ("skipped", 2)
    assert "memory" in row.last_error
    assert deployment.events.first().sentence == (
        "Made ready for 2 devices. 1 of them does not fit and is skipped."
    )


def test_no_device_chosen_is_refused_and_nothing_stored():
    draft = plant.a_draft([])
    with refused("No device is chosen"):
        submit(draft)
    assert Deployment.objects.get().stage == "draft"
    assert not Batch.objects.exists()


def test_no_device_that_fits_is_refused_with_the_first_reason():
    with refused("None of the 1 device can run it .* memory"):
        submit(plant.a_draft([plant.a_device(memory="1Mi")]))


def test_a_value_off_its_limits_is_refused_where_it_was_given():
    draft = plant.a_draft([plant.a_device()])
    with pytest.raises(drafting.ParameterError) as caught:
        drafting.set_parameters(draft, {"speed": 1000}, actor=None, now=NOON)
    assert list(caught.value.problems) == ["speed"]
    assert Deployment.objects.get().parameters == {}


def test_a_strategy_off_its_limits_is_refused_field_by_field():
    draft = plant.a_draft([plant.a_device()])
    given = {"max_failures": -1, "install_timeout_seconds": "soon", "colour": "red"}
    with pytest.raises(StrategyError) as caught:
        drafting.set_rollout(draft, given, actor=None, now=NOON)
    assert set(caught.value.problems) == set(given)


def test_an_unreadable_label_expression_is_refused_at_its_step():
    draft = plant.a_draft([])
    with pytest.raises(SelectorError, match="(?i)position 6"):
        drafting.choose_devices(draft, {"labels": "site="}, actor=None, now=NOON)


def test_devices_are_chosen_by_id_group_and_label_without_the_excluded():
    by_id, by_group, by_label, unwanted = (
        plant.a_device(),
        plant.a_device(),
        plant.a_device(site="berlin"),
        plant.a_device(site="berlin"),
    )
    group = DeviceGroup.objects.create(name="Hall 7", created_at=NOON)
    group.members.add(by_group)
    draft = plant.a_draft([by_id])
    targeting = {
        "ids": [by_id.pk],
        "groups": [group.pk],
        "labels": "site=berlin",
        "excluded": [unwanted.pk],
    }
    drafting.choose_devices(draft, targeting, actor=None, now=NOON)
    submit(draft)
    chosen = set(draft.instances.values_list("device", flat=True))
    assert chosen == {by_id.pk, by_group.pk, by_label.pk}


def test_a_device_that_joins_the_group_later_is_not_in_the_deployment():
    device = plant.a_device()
    group = DeviceGroup.objects.create(name="All", selector="!retired", created_at=NOON)
    draft = plant.a_draft([])
    drafting.choose_devices(draft, {"groups": [group.pk]}, actor=None, now=NOON)
    submit(draft)
    plant.a_device()
    moves.start(draft, actor=None, now=NOON)
    assert list(draft.instances.values_list("device", flat=True)) == [device.pk]


def test_a_second_deployment_of_the_same_application_names_who_is_in_the_way():
    device = plant.a_device()
    version = plant.a_version()
    plant.a_rollout([device], version)
    with refused(f"Rollout is changing Mixer on {device.path}"):
        submit(plant.a_draft([device], version))


def test_two_ready_deployments_block_nobody_until_one_starts():
    device, version = plant.a_device(), plant.a_version()
    first, second = (plant.a_ready_deployment([device], version) for _ in range(2))
    moves.start(first, actor=None, now=NOON)
    with refused("is changing Mixer"):
        moves.start(second, actor=None, now=NOON)
    second.refresh_from_db()
    assert (second.stage, second.events.count()) == ("ready", 1)


def test_another_application_on_the_same_device_is_no_conflict():
    device = plant.a_device()
    plant.a_rollout([device])
    plant.a_rollout([device], plant.a_version(app_id="pump"))
    assert Instance.objects.filter(holds=True).count() == 2


def test_a_version_deprecated_since_is_told_before_the_start():
    version = plant.a_version()
    deployment = plant.a_ready_deployment([plant.a_device()], version)
    ApplicationVersion.objects.update(state="deprecated")
    deployment.version.refresh_from_db()
    with refused("was deprecated"):
        moves.start(deployment, actor=None, now=NOON)


def test_a_device_that_shrank_since_is_told_before_the_start():
    device = plant.a_device()
    deployment = plant.a_ready_deployment([device])
    Device.objects.update(properties={**device.properties, "memory": "1Ki"})
    with refused("1 device no longer fit .* memory"):
        moves.start(deployment, actor=None, now=NOON)


def test_a_client_retired_since_is_told_before_the_start():
    device = plant.a_device()
    deployment = plant.a_ready_deployment([device])
    Client.objects.update(state="retired")
    with refused("its client is retired"):
        moves.start(deployment, actor=None, now=NOON)


def test_editing_again_gives_the_frozen_targets_up():
    deployment = plant.a_ready_deployment([plant.a_device()])
    moves.reopen(deployment, actor=None, now=NOON)
    assert deployment.stage == "draft"
    assert not deployment.instances.exists()
    submit(deployment)
    assert deployment.instances.count() == 1


def test_a_draft_changed_in_another_window_is_not_overwritten():
    draft = plant.a_draft([plant.a_device()])
    stale = Deployment.objects.get(pk=draft.pk)
    drafting.set_rollout(draft, {"max_failures": 3}, actor=None, now=NOON)
    with refused("changed in another window"):
        drafting.set_rollout(stale, {"max_failures": 5}, actor=None, now=NOON)
    assert Deployment.objects.get().strategy["max_failures"] == 3


def test_deleting_a_draft_leaves_nothing_and_a_finished_one_keeps_its_history():
    draft = plant.a_draft([plant.a_device()])
    moves.delete(draft, actor=None, now=NOON)
    assert not Deployment.objects.exists()
    device = plant.a_device()
    deployment = plant.a_rollout([device], plant.a_version("2.0.0"))
    with refused("Delete is possible while"):
        moves.delete(deployment, actor=None, now=NOON)
    plant.install(device)
    plant.tick(deployment)
    moves.delete(deployment, actor=None, now=NOON)
    assert not Deployment.objects.listed().exists()
    assert Deployment.objects.get().events.filter(kind="deleted").count() == 1


def test_an_immutable_value_stays_as_it_was_installed():
    version = plant.a_version("1.0.0")
    sections = version.sections
    sections[0]["settings"][0]["immutable"] = True
    ApplicationVersion.objects.update(sections=sections)
    version.refresh_from_db()
    device = plant.a_device()
    first = plant.a_draft([device], version)
    drafting.set_parameters(first, {"speed": 20}, actor=None, now=NOON)
    submit(first)
    moves.start(first, actor=None, now=NOON)
    plant.tick(first)
    plant.install(device)
    plant.tick(first)
    second = plant.a_draft([device], plant.a_version("2.0.0", sections=sections))
    with pytest.raises(drafting.ParameterError, match="cannot be changed"):
        drafting.set_parameters(second, {"speed": 30}, actor=None, now=NOON)
    submit(second)
    assert second.resolved["speed"]["value"] == 20
