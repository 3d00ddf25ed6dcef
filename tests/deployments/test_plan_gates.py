"""The planner's table of gates: who opens which, when, and what follows."""

import pytest

from deployments.planner import GateRule, Hold, OpenGate, Release, WaitAtGate, plan
from deployments.states import Gate, Stage
from tests.deployments.seen import MANUAL, NOON, after, batch, canary, ended, ended_canary, snap

AT_ONCE = GateRule()
TEN_MINUTES = GateRule(delay_seconds=600)


BETWEEN = Gate.BATCH


GATES = [
    pytest.param(
        snap(ended_canary(installed=2), batch(2, queued=8), canary=MANUAL),
        [
            WaitAtGate(
                "Canary: 2 of 2 installed, 0 failed: waiting for somebody to let the rollout go "
                "on.",
                1,
            )
        ],
        id="a manual gate waits for a person",
    ),
    pytest.param(
        snap(ended_canary(installed=2, gate_open=True), batch(2, queued=8), canary=MANUAL),
        [Release("Batch 2: released to 8 devices.", 2, 1)],
        id="an open gate is passed",
    ),
    pytest.param(
        snap(ended_canary(installed=2), batch(2, queued=8), canary=AT_ONCE),
        [Release("Batch 2: released to 8 devices.", 2, 1)],
        id="an automatic gate without a delay is passed at once",
    ),
    pytest.param(
        snap(ended_canary(installed=2), batch(2, queued=8), canary=TEN_MINUTES),
        [
            WaitAtGate(
                "Canary: 2 of 2 installed, 0 failed: the next batch follows in 10 minutes.", 1
            )
        ],
        id="an automatic gate with a delay waits",
    ),
    pytest.param(
        snap(ended_canary(skipped=1, deferred=1), batch(2, queued=8), canary=AT_ONCE),
        [
            WaitAtGate(
                "Canary: 0 of 2 installed, 0 failed: no device runs it, so somebody has to let the "
                "rollout go on.",
                1,
            )
        ],
        id="no automatic gate opens when no device runs it",
    ),
    pytest.param(
        snap(ended(skipped=2, gate=BETWEEN, gate_open=True), batch(2, queued=8), between=AT_ONCE),
        [Release("Batch 2: released to 8 devices.", 2, 1)],
        id="unless somebody opened it",
    ),
    pytest.param(
        snap(
            ended_canary(installed=2, gate_open=True),
            ended(2, installed=3, gate=BETWEEN),
            batch(3, queued=8),
            canary=AT_ONCE,
            between=MANUAL,
        ),
        [
            WaitAtGate(
                "Batch 2: 3 of 3 installed, 0 failed: waiting for somebody to let the rollout go "
                "on.",
                2,
            )
        ],
        id="each gate has the rule of its kind",
    ),
    pytest.param(
        snap(
            ended_canary(installed=2),
            batch(2, queued=8),
            stage=Stage.GATE,
            gate_batch=1,
            gate_since=after(-599),
            canary=TEN_MINUTES,
        ),
        [],
        id="one second before the delay is over",
    ),
    pytest.param(
        snap(
            ended_canary(installed=2),
            batch(2, queued=8),
            stage=Stage.GATE,
            gate_batch=1,
            gate_since=after(-600),
            canary=TEN_MINUTES,
        ),
        [OpenGate("Canary stayed healthy for 10 minutes: the next batch follows.", 1)],
        id="the delay is over",
    ),
    pytest.param(
        snap(
            ended_canary(installed=2),
            batch(2, queued=8),
            stage=Stage.GATE,
            gate_batch=1,
            gate_since=after(-6000),
            canary=MANUAL,
        ),
        [],
        id="no clock opens a manual gate",
    ),
    pytest.param(
        snap(
            ended_canary(skipped=2),
            batch(2, queued=8),
            stage=Stage.GATE,
            gate_batch=1,
            gate_since=after(-6000),
            canary=TEN_MINUTES,
        ),
        [],
        id="nor one behind which no device runs it",
    ),
    pytest.param(
        snap(
            canary(installed=1, pending=1),
            batch(2, queued=8),
            stage=Stage.GATE,
            gate_batch=1,
            gate_since=after(-6000),
            canary=TEN_MINUTES,
        ),
        [],
        id="nor one whose batch is tried again",
    ),
    pytest.param(
        snap(
            ended_canary(installed=1, failed=1),
            batch(2, queued=8),
            stage=Stage.GATE,
            gate_batch=1,
            gate_since=after(-6000),
            canary=TEN_MINUTES,
        ),
        [Hold("Canary: 1 of 2 failed, 0 allowed: held.", 1)],
        id="a device that fails late holds it in the very moment the delay is over",
    ),
]


@pytest.mark.parametrize(("snapshot", "steps"), GATES)
def test_plan(snapshot, steps):
    assert plan(snapshot, NOON) == steps
