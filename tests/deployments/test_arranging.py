"""Who takes part, in which order and batch: the preview shows it, and the submit does it."""

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments import drafting, freezing, moves, planner, submitting, targeting
from deployments.models import Deployment, Instance
from deployments.strategy import StrategyError
from devices import labels
from devices.models import Client, DeviceGroup
from tests.deployments import plant
from tests.deployments.plant import NOON

pytestmark = pytest.mark.django_db

RING_FIRST = {"kind": "canary", "canary_by": "labels", "canary_labels": "ring=0"}


def submit(draft, **seen):
    submitting.submit(draft, actor=None, now=NOON, **seen)


def refused(match):
    return pytest.raises(moves.MoveRefusedError, match=match)


def a_draft(targeting, **strategy):
    draft = plant.a_draft([], **strategy)
    drafting.choose_devices(draft, targeting, actor=None, now=NOON)
    return draft


def devices(paths, **reported):
    """A device for each letter, with these labels."""
    return {path: plant.a_device(path=path, **reported) for path in paths}


def frozen(draft):
    """The paths of each batch."""
    rows = draft.instances.order_by("position").values_list("batch__number", "device__path")
    batches: dict[int, str] = {}
    for number, path in rows:
        batches[number] = batches.get(number, "") + path
    return list(batches.values())


def shown(draft):
    return ["".join(one.devices) for one in submitting.preview(draft, now=NOON).batches]


def test_a_list_keeps_its_order_and_what_labels_add_comes_after_it_by_path():
    listed = devices("abc")
    devices("zyx", site="berlin")
    ids = [listed[path].pk for path in "cabc"]
    draft = a_draft({"ids": ids, "labels": "site=berlin"}, order="selected")
    submit(draft)
    assert frozen(draft) == ["cabxyz"]


def test_a_device_that_is_listed_and_matches_keeps_its_place():
    found = devices("ab", site="berlin")
    draft = a_draft({"ids": [found["b"].pk], "labels": "site=berlin"})
    submit(draft)
    assert frozen(draft) == ["ba"]


def test_by_a_label_as_operators_see_it():
    found = devices("abcde", wave="10")
    labels.assign(found["b"], {"wave": ["9"]})
    labels.assign(found["d"], {"wave": ["8", "11"]})
    bare = plant.a_device(path="A")
    ids = [one.pk for one in (bare, *found.values())]
    draft = a_draft({"ids": ids}, order="label", order_label="wave")
    submit(draft)
    assert frozen(draft) == ["dbaceA"]


def test_spread_over_the_groups_as_chosen_so_that_each_batch_has_some_of_each():
    found = devices("abcdefgh")
    second, first = (DeviceGroup.objects.create(name=name, created_at=NOON) for name in "12")
    first.members.set([found[path] for path in "efg"])
    second.members.set([found[path] for path in "abe"])
    ids = [found[path].pk for path in "hdc"]
    draft = a_draft(
        {"ids": ids, "groups": [first.pk, second.pk]},
        order="groups",
        kind="rolling",
        batch_by="size",
        batch_size=3,
    )
    submit(draft)
    assert frozen(draft) == ["eac", "fbd", "gh"]


def test_a_group_may_choose_by_a_selector():
    devices("ab", site="berlin")
    devices("cd", site="rome")
    groups = [
        DeviceGroup.objects.create(name=site, selector=f"site={site}", created_at=NOON).pk
        for site in ("rome", "berlin")
    ]
    draft = a_draft({"groups": groups}, order="groups")
    submit(draft)
    assert frozen(draft) == ["cadb"]


def test_the_label_canary_comes_first_in_the_same_order():
    plain, ring = devices("abc"), devices("xyz", ring="0")
    ids = [one.pk for one in (plain["a"], ring["z"], plain["b"], ring["x"], plain["c"], ring["y"])]
    draft = a_draft({"ids": ids}, **RING_FIRST)
    assert shown(draft) == ["zxy", "abc"]
    submit(draft)
    assert frozen(draft) == ["zxy", "abc"]


def test_who_matches_the_canary_and_does_not_fit_is_no_canary():
    small = plant.a_device(path="a", memory="1Ki", ring="0")
    made = [small, plant.a_device(path="b", ring="0"), plant.a_device(path="c")]
    draft = a_draft({"ids": [one.pk for one in made]}, **RING_FIRST)
    submit(draft)
    assert frozen(draft) == ["b", "ca"]
    assert Instance.objects.get(device=small).state == "skipped"


@pytest.mark.parametrize(
    ("labels_of_two", "sentence"),
    [
        ({"ring": "1"}, "No device matches the canary's label expression ring=0."),
        (
            {"ring": "0", "memory": "1Ki"},
            "2 devices match the canary's label expression ring=0, and none of them can run it.",
        ),
    ],
    ids=["nobody matches", "nobody who matches fits"],
)
def test_a_canary_of_nobody_is_refused(labels_of_two, sentence):
    two = [plant.a_device(**labels_of_two) for _ in range(2)]
    draft = a_draft({"ids": [plant.a_device().pk, *(one.pk for one in two)]}, **RING_FIRST)
    seen = submitting.preview(draft, now=NOON)
    assert (seen.problems, seen.batches, seen.total) == ([sentence], [], 3)
    with refused(sentence):
        submit(draft)
    assert Deployment.objects.get().stage == "draft"


def test_more_batches_than_anybody_can_oversee_are_refused():
    ids = [device.pk for device in plant.a_fleet(1001)]
    draft = a_draft({"ids": ids}, kind="rolling", batch_by="size", batch_size=1)
    [problem] = submitting.preview(draft, now=NOON).problems
    assert "1001 devices in batches of 1 make 1001 batches" in problem
    with refused("more than 1000 are not possible"):
        submit(draft)


def test_an_unreadable_canary_is_refused_at_its_step():
    draft = plant.a_draft([plant.a_device()])
    with pytest.raises(StrategyError) as caught:
        drafting.set_rollout(draft, RING_FIRST | {"canary_labels": "ring="}, actor=None, now=NOON)
    assert list(caught.value.problems) == ["canary_labels"]
    assert "cannot be read: Position 6" in str(caught.value)
    assert Deployment.objects.get().strategy["kind"] == "immediate"


@pytest.mark.parametrize("where", ["targeting", "strategy"])
def test_an_expression_that_cannot_be_read_any_more_is_told(where):
    draft = a_draft({"ids": [plant.a_device(ring="0").pk]}, **RING_FIRST)
    setattr(draft, where, getattr(draft, where) | {"labels": "a=", "canary_labels": "a="})
    [problem] = submitting.preview(draft, now=NOON).problems
    assert "label expression cannot be read: Position 3" in problem


def test_a_plan_whose_order_changed_since_it_was_shown_is_shown_again():
    found = devices("ab", wave="1")
    draft = a_draft({"ids": [one.pk for one in found.values()]}, order="label", order_label="wave")
    seen = submitting.preview(draft, now=NOON)
    labels.assign(found["a"], {"wave": ["2"]})
    with refused("changed since it was shown"):
        submit(draft, plan_digest=seen.digest)
    submit(draft, plan_digest=submitting.preview(draft, now=NOON).digest)


def test_a_canary_that_grew_since_it_was_shown_is_shown_again():
    """Though all have the places that they had before."""
    found = devices("a", ring="0") | devices("b")
    draft = a_draft({"ids": [one.pk for one in found.values()]}, **RING_FIRST)
    seen = submitting.preview(draft, now=NOON)
    labels.assign(found["b"], {"ring": ["0"]})
    with refused("changed since it was shown"):
        submit(draft, plan_digest=seen.digest)


def strategies():
    """Every order with every way to cut."""
    cut = st.sampled_from(
        [
            {"kind": "immediate"},
            {"kind": "canary", "canary_by": "count", "canary_count": 2},
            {"kind": "canary", "canary_percent": "30"},
            RING_FIRST,
            RING_FIRST | {"kind": "canary_rolling", "batch_by": "sizes", "batch_sizes": "1, 20%"},
            {"kind": "rolling", "batch_by": "size", "batch_size": 2},
            {"kind": "rolling", "batch_percent": "40"},
        ]
    )
    order = st.sampled_from(
        [{"order": "selected"}, {"order": "groups"}, {"order": "label", "order_label": "wave"}]
    )
    return st.builds(lambda one, other: one | other, cut, order)


A_DEVICE = st.fixed_dictionaries(
    {"memory": st.sampled_from(("4Gi", "4Gi", "1Ki"))},
    optional={"wave": st.sampled_from("123"), "ring": st.sampled_from("01")},
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(A_DEVICE, min_size=1, max_size=9), strategies(), st.randoms())
def test_the_preview_equals_what_then_happens(fleet, strategy, random):
    with transaction.atomic():
        made = [plant.a_device(**one) for one in fleet]
        group = DeviceGroup.objects.create(name="Some", selector="wave", created_at=NOON)
        group.members.set(random.sample(made, len(made) // 2))
        ids = [one.pk for one in random.sample(made, random.randint(0, len(made)))]
        draft = a_draft({"ids": ids, "groups": [group.pk]}, **strategy)
        agree(draft, submitting.preview(draft, now=NOON))
        transaction.set_rollback(True)


def agree(draft, seen):
    """What was frozen is what was shown: batches, order, who is skipped and why, the numbers."""
    if seen.problems:
        with refused(re.escape(seen.problems[0])):
            submit(draft)
        assert not draft.batches.exists()
        assert not draft.instances.exists()
        return
    submit(draft, plan_digest=seen.digest)
    batches = list(draft.batches.order_by("number"))
    assert [(b.number, b.name, b.size) for b in batches] == [
        (b.number, b.name, b.size) for b in seen.batches
    ]
    for batch, planned in zip(batches, seen.batches, strict=True):
        rows = batch.instances.order_by("position")
        positions = range(batch.first, batch.first + batch.size)
        assert [row.position for row in rows] == list(positions)
        assert [row.device.path for row in rows] == planned.devices
        assert rows.filter(state="queued").count() == planned.fitting
    skipped = draft.instances.filter(state="skipped").values_list("device__path", "last_error")
    assert dict(skipped) == {one.path: "; ".join(one.reasons) for one in seen.misfits}
    assert draft.summary["total"] == draft.instances.count() == seen.total


def number_of_queries(size, **strategy):
    """Of a preview, a submit and the question who fits, for so many devices."""
    some = [
        plant.a_device(memory=memory, wave="1") for memory in ("4Gi", "1Ki") for _ in range(size)
    ]
    version = plant.a_version(f"1.0.{size}")
    draft = plant.a_draft(some, version, **strategy)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        submitting.preview(draft, now=NOON)
        submit(draft)
        targeting.judge(targeting.devices_in(draft.instances.all()), version, "compose")
    return len(captured)


@pytest.mark.parametrize(
    "strategy",
    [
        {"order": "selected"},
        {"order": "groups"},
        {"order": "label", "order_label": "wave"},
        {"kind": "canary", "canary_by": "labels", "canary_labels": "wave=1"},
        {"kind": "rolling", "batch_by": "size", "batch_size": 1},
    ],
    ids=["selected", "groups", "label", "canary", "many batches"],
)
def test_the_number_of_queries_does_not_grow_with_the_fleet(strategy):
    assert number_of_queries(30, **strategy) == number_of_queries(2, **strategy)


def test_any_reason_is_stored_as_it_was_said():
    said = ['a "quoted" one', "back\\slash", "{a,b}", "NULL", "", "it's %s", "ü 😀\nsecond line"]
    made = [plant.a_device() for _ in said]
    draft = plant.a_draft(made)
    keys = [device.pk for device in made]
    plan = planner.partition(draft.strategy, len(made))
    freezing.freeze(draft, plan, keys, dict(zip(keys, said, strict=True)), NOON)
    rows = draft.instances.order_by("position").values_list("device", "last_error", "state")
    assert list(rows) == [(pk, text, "skipped") for pk, text in zip(keys, said, strict=True)]


def test_a_list_may_be_longer_than_a_statement_has_parameters():
    some = [plant.a_device().pk for _ in range(3)]
    strangers = list(range(10**9, 10**9 + 300_000))
    wanted = {"ids": [*strangers, *some], "excluded": [*strangers, some[0]]}
    assert set(targeting.chosen(wanted).values_list("pk", flat=True)) == set(some[1:])
    assert Client.objects.count() == 3
