"""The simulation is worth its time: an engine that breaks its word is found within few seeds."""

import importlib

import pytest

from deployments import engine, publishing, reports, withdrawing
from deployments.models import Deployment, Instance
from deployments.moves import binding, door, instances, pulling, rollback, steering, steps, verbs
from deployments.planner import health
from tests.simulation import plant, running

pytestmark = pytest.mark.django_db
#: The module; its package has a function of the same name.
plan = importlib.import_module("deployments.planner.plan")
#: Within so many seeds each break has to be found.
FEW = 60


def _minimum_skipped(patch):
    real = health.breach

    def breach(snapshot):
        policy = snapshot.policy
        eager = type(policy)(
            **{name: getattr(policy, name) for name in policy.__slots__}
            | {"rollback_min_released": 0}
        )
        fields = {name: getattr(snapshot, name) for name in snapshot.__slots__}
        return real(type(snapshot)(**fields | {"policy": eager}))

    patch.setattr(plan, "breach", breach)


def _stale_counts(patch):
    patch.setattr(reports, "why_not_counted", lambda client, revision, report: "")


def _nothing_taken_back(patch):
    for module in (withdrawing, pulling, verbs, rollback):
        target = module if module is withdrawing else module.withdrawing
        patch.setattr(target, "take_back", lambda deployment, now: 0)


def _same_digest_again(patch):
    real = publishing._render

    def render(revision):
        attempt, revision.attempt = revision.attempt, 0
        real(revision)
        revision.attempt = attempt

    patch.setattr(publishing, "_render", render)


def _no_guard(patch):
    def unmoved(deployment, *, claimed=False):
        return Deployment.objects.filter(pk=deployment.pk)

    for module in (door, engine, verbs, steps):
        patch.setattr(module, "unmoved", unmoved)


def _others_undone(patch):
    def asked_of(rows, deployment):
        return rows.exclude(workload=None)

    patch.setattr(instances, "asked_of", asked_of)


def _restores_nothing(patch):
    real = binding.release

    def release(queued, now):
        first = queued.filter(attempts=0)
        fresh = list(first.values_list("pk", flat=True))
        count = real(queued, now)
        Instance.objects.filter(pk__in=fresh).update(restore_to=None)
        return count

    patch.setattr(binding, "release", release)


def _gate_forgotten(patch):
    patch.setattr(plan, "_why_closed", lambda snapshot, batch: "")


def _holds_for_ever(patch):
    patch.setattr(instances, "let_go", lambda deployment: 0)


def _limit_forgotten(patch):
    patch.setattr(engine, "next_look", lambda seen: None)


def _all_accepted(patch):
    patch.setattr(steering, "_accept_failures", lambda deployment: 0)


#: Each break, and the first seed to look at: the rare ones are looked for where they show.
BREAKS = {
    _minimum_skipped: 0,
    _stale_counts: 0,
    _nothing_taken_back: 0,
    _same_digest_again: 0,
    _no_guard: 45,
    _others_undone: 0,
    _restores_nothing: 0,
    _gate_forgotten: 0,
    _holds_for_ever: 0,
    _limit_forgotten: 0,
    _all_accepted: 35,
}


@pytest.mark.parametrize(
    ("damage", "first"), BREAKS.items(), ids=[one.__name__.strip("_") for one in BREAKS]
)
def test_a_broken_engine_is_found_out(damage, first, monkeypatch):
    built = plant.build()
    damage(monkeypatch)
    seeds = range(first, first + FEW)
    assert any(running.run_seed(built, seed).error is not None for seed in seeds)
