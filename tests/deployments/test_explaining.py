"""What a deployment waits for, in words and with the numbers."""

import pytest

from deployments.planner import GateRule, Offline, outcome, waiting_for
from deployments.states import Gate, Stage, State
from tests.deployments.seen import NOON, after, batch, ended, snap

TEN_MINUTES = GateRule(delay_seconds=600)
BY_HAND = GateRule(automatic=False)


def at_gate(first, rule, *after_that, since=NOON, **told):
    at = {"stage": Stage.GATE, "gate_batch": 1, "gate_since": since, "canary": rule}
    return snap(first, batch(2, queued=8), *after_that, **at, **told)


def canary(**told):
    return ended(1, name="Canary", gate=Gate.CANARY, **told)


@pytest.mark.parametrize(
    ("snapshot", "sentences"),
    [
        (snap(stage=Stage.DRAFT), ["Somebody has to finish the draft."]),
        (
            snap(stage=Stage.AWAITING_APPROVAL, start_at=after(60)),
            ["An admin who had no part in it can approve it."],
        ),
        (snap(batch(queued=3), stage=Stage.READY), ["Somebody has to start it."]),
        (
            snap(batch(queued=3), stage=Stage.READY, start_at=after(7200)),
            ["It starts by itself in 2 hours."],
        ),
        (
            at_gate(canary(installed=3), BY_HAND),
            [
                "The canary is well: 3 of 3 installed.",
                "Promote Canary sends it to the other 8 devices.",
            ],
        ),
        (
            at_gate(canary(installed=2, failed=1), BY_HAND, max_failures=1),
            [
                "The canary is well: 2 of 3 installed, 1 failed, 1 allowed.",
                "Promote Canary sends it to the other 8 devices.",
            ],
        ),
        (
            at_gate(canary(installed=2, failed=1, accepted=1), BY_HAND),
            [
                "The canary has ended: 2 of 3 installed, 1 failed, 1 accepted.",
                "Promote Canary sends it to the other 8 devices.",
            ],
        ),
        (
            at_gate(canary(installed=2, deferred=1), BY_HAND, batch(3, queued=1)),
            [
                "The canary is well: 2 of 3 installed, 1 left for later.",
                "Promote Canary sends it to Batch 2, 8 devices; 1 device follows after that.",
                "1 device: offline, and left for later.",
            ],
        ),
        (
            at_gate(canary(installed=2), TEN_MINUTES, since=after(-300)),
            [
                "The canary is well: 2 of 2 installed.",
                "In 5 minutes it goes to the other 8 devices, or at once with Promote Canary.",
            ],
        ),
        (
            at_gate(canary(skipped=2), TEN_MINUTES),
            [
                "The canary has ended, and no device runs it: 0 of 2 installed, 2 skipped.",
                "Promote Canary sends it to the other 8 devices.",
            ],
        ),
        (
            at_gate(batch(1, name="Canary", gate=Gate.CANARY, installed=1, pending=1), TEN_MINUTES),
            [
                "The canary is being tried again on some devices.",
                "1 device: fetching or installing it.",
            ],
        ),
        (
            at_gate(
                batch(1, name="Canary", gate=Gate.CANARY, installed=1, pending=1),
                BY_HAND,
            ),
            [
                "The canary is being tried again on some devices.",
                "1 device: fetching or installing it.",
            ],
        ),
        (
            snap(batch(failed=3, queued=2), stage=Stage.HELD),
            [
                "Too many devices failed: nothing more is sent before somebody decides.",
            ],
        ),
        (
            snap(batch(installing=3, queued=2), stage=Stage.PAUSED, first_fetch=after(-1740)),
            [
                "Somebody paused it and has to resume it.",
                "3 devices: fetching or installing it.",
                "In 1 minute the time to install runs out for the first of them.",
            ],
        ),
        (
            snap(
                ended(installed=1, deferred=2),
                batch(2, pending=1, installing=4),
                offline=Offline.MOVE_ON,
                first_absent_release=NOON,
                first_unreached_release=NOON,
            ),
            [
                "5 devices: fetching or installing it.",
                "2 devices: offline, and left for later.",
                "In 10 minutes the rollout goes on without a device that has not come for it.",
            ],
        ),
        (
            snap(ended(removing=2, removed=1), stage=Stage.ROLLING_BACK),
            ["2 devices: going back to what ran before."],
        ),
        (
            snap(ended(removing=2), stage=Stage.ROLLING_BACK, first_fetch=NOON),
            [
                "2 devices: going back to what ran before.",
                "In 30 minutes the time to go back runs out for the first of them.",
            ],
        ),
        (
            snap(
                ended(removing=2),
                stage=Stage.ROLLING_BACK,
                first_fetch=NOON,
                first_silence=NOON,
                first_unreached_release=NOON,
            ),
            [
                "2 devices: going back to what ran before.",
                "In 1 minute a device that has said nothing of it counts as put back.",
            ],
        ),
        (
            snap(batch(pending=2), first_unreached_release=NOON),
            [
                "2 devices: fetching or installing it.",
                "In 1 day a device that has not come for it counts as unreachable.",
            ],
        ),
        (snap(ended(installed=2), stage=Stage.COMPLETED), []),
        (snap(ended(cancelled=2), stage=Stage.CANCELLED), []),
    ],
)
def test_what_it_waits_for(snapshot, sentences):
    assert waiting_for(snapshot, NOON) == sentences


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({State.INSTALLED: 18, State.FAILED: 2}, "18 installed, 2 failed"),
        ({State.FAILED: 1, State.INSTALLED: 0, State.REMOVED: 3}, "1 failed, 3 put back"),
        ({State.PENDING: 1}, "1 waiting for the device"),
        ({}, "no devices"),
    ],
)
def test_instances_in_the_words_of_their_states(counts, words):
    assert outcome(counts) == words
