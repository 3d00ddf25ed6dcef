"""What fails, is late or stays away: tried again, given up, left for later, held."""

import pytest

from deployments.planner import (
    Defer,
    EndBatch,
    GiveUp,
    Hold,
    Offline,
    Release,
    Retry,
    RollBack,
    plan,
)
from deployments.states import Failure, Stage
from tests.deployments.seen import MANUAL, NOON, batch, ended, ended_canary, snap

HOLDING = [
    pytest.param(
        snap(
            ended(installed=1), batch(2, installed=7, failed=3), batch(3, queued=1), max_failures=1
        ),
        [Hold("Batch 2: 3 of 10 failed, 1 allowed: held.", 2)],
        id="the numbers of a hold",
    ),
    pytest.param(
        snap(batch(pending=8, failed=2), batch(2, queued=1), max_failures=1),
        [Hold("Batch 1: 2 of 10 failed, 1 allowed: held.", 1)],
        id="it is held as soon as it is clear, not when the batch has ended",
    ),
    pytest.param(
        snap(batch(installed=9, failed=1), batch(2, queued=1), max_failures=1),
        [EndBatch("Batch 1 ended: 9 installed, 1 failed.", 1)],
        id="exactly as many as allowed do not hold it",
    ),
    pytest.param(
        snap(ended(installed=8, failed=2), batch(2, queued=1), max_failures="20 %"),
        [Release("Batch 2: released to 1 device.", 2, 1)],
        id="exactly the percentage allowed",
    ),
    pytest.param(
        snap(ended(installed=8, failed=3), batch(2, queued=1), max_failures="20 %"),
        [Hold("Batch 1: 3 of 11 failed, 2 allowed: held.", 1)],
        id="a percentage is of the batch, and rounded down",
    ),
    pytest.param(
        snap(batch(installed=1, failed=2), max_failures=1),
        [EndBatch("Batch 1 ended: 1 installed, 2 failed.", 1)],
        id="when nothing is queued there is nothing to hold",
    ),
    pytest.param(
        snap(batch(failed=1, queued=1)),
        [Hold("Batch 1: 1 of 2 failed, 0 allowed: held.", 1)],
        id="queued devices of the same batch are something to hold",
    ),
    pytest.param(
        snap(ended(failed=3, installed=7, accepted=3), batch(2, queued=1)),
        [Release("Batch 2: released to 1 device.", 2, 1)],
        id="accepted failures hold it no more",
    ),
    pytest.param(
        snap(ended(failed=4, installed=6, accepted=3), batch(2, queued=1)),
        [Hold("Batch 1: 4 of 10 failed, 3 allowed: held.", 1)],
        id="one more than accepted holds it again",
    ),
    pytest.param(
        snap(ended(failed=2, installed=8, accepted=1), batch(2, queued=1), max_failures=2),
        [Release("Batch 2: released to 1 device.", 2, 1)],
        id="accepting fewer than are allowed takes nothing away",
    ),
    pytest.param(
        snap(ended(failed=4, installed=6, accepted=3), batch(2, queued=1), max_failures=2),
        [Hold("Batch 1: 4 of 10 failed, 3 allowed: held.", 1)],
        id="nor does accepting more add to it",
    ),
    pytest.param(
        snap(batch(failed=5, queued=3), stage=Stage.HELD), [], id="held it is not held again"
    ),
    pytest.param(
        snap(batch(cancelled=5, superseded=5), batch(2, queued=1)),
        [EndBatch("Batch 1 ended: 5 superseded, 5 cancelled.", 1)],
        id="cancelled and superseded devices are no failures",
    ),
]

RETRIES = [
    pytest.param(
        snap(batch(installed=1, failed=2, retryable=2), batch(2, queued=1)),
        [Retry("Batch 1: trying again on 2 devices.", 1)],
        id="failures with tries left are tried again before anything is judged",
    ),
    pytest.param(
        snap(batch(installed=1, failed=3, retryable=2), batch(2, queued=1), max_failures=1),
        [Retry("Batch 1: trying again on 2 devices.", 1)],
        id="and do not count as failures",
    ),
    pytest.param(
        snap(batch(installed=1, failed=3, retryable=1), rollback_count=1),
        [RollBack("2 devices failed, 1 allowed: rolling back.")],
        id="too many without tries left undo it first",
    ),
    pytest.param(
        snap(batch(installed=1, failed=3, retryable=1), rollback_count=2),
        [Retry("Batch 1: trying again on 1 device.", 1)],
        id="one with tries left does not breach a threshold",
    ),
    pytest.param(
        snap(batch(failed=2, retryable=2, queued=1), stage=Stage.PAUSED), [], id="not while paused"
    ),
    pytest.param(
        snap(batch(failed=2, retryable=2, queued=1), stage=Stage.HELD), [], id="nor while held"
    ),
    pytest.param(
        snap(
            ended_canary(installed=1, failed=1, retryable=1),
            batch(2, queued=1),
            stage=Stage.GATE,
            gate_batch=1,
            gate_since=NOON,
            canary=MANUAL,
        ),
        [Retry("Canary: trying again on 1 device.", 1)],
        id="but at a gate",
    ),
]

LIMITS = [
    pytest.param(
        snap(batch(installing=3, late=(2, 0, 0)), install_timeout_seconds=60),
        [GiveUp("Batch 1: 2 devices did not finish within 1 minute.", 1, Failure.TIMED_OUT)],
        id="installs that take too long",
    ),
    pytest.param(
        snap(batch(pending=3, late=(0, 3, 0))),
        [GiveUp("Batch 1: 3 devices did not come for it within 1 day.", 1, Failure.UNREACHABLE)],
        id="devices that never come",
    ),
    pytest.param(
        snap(
            batch(pending=1, late=(1, 0, 0)),
            batch(2, pending=1, late=(0, 1, 0)),
            install_timeout_seconds=90,
            offline_wait_seconds=3600,
        ),
        [
            GiveUp(
                "Batch 1: 1 device did not finish within 1 minute 30 seconds.", 1, Failure.TIMED_OUT
            ),
            GiveUp("Batch 2: 1 device did not come for it within 1 hour.", 2, Failure.UNREACHABLE),
        ],
        id="several limits at once",
    ),
    pytest.param(
        snap(batch(pending=2, installed=8, late=(0, 0, 2)), offline=Offline.MOVE_ON),
        [Defer("Batch 1: 2 devices did not come for it within 10 minutes: going on without.", 1)],
        id="offline devices are left for later",
    ),
    pytest.param(
        snap(batch(pending=2, installed=8, late=(0, 0, 2)), offline=Offline.FAIL),
        [
            GiveUp(
                "Batch 1: 2 devices did not come for it within 10 minutes.", 1, Failure.UNREACHABLE
            )
        ],
        id="or count as failed",
    ),
    pytest.param(
        snap(batch(pending=2, late=(0, 1, 2)), offline=Offline.MOVE_ON),
        [GiveUp("Batch 1: 1 device did not come for it within 1 day.", 1, Failure.UNREACHABLE)],
        id="who is over the last limit is given up and not left for later",
    ),
    pytest.param(
        snap(batch(deferred=2, installed=8), batch(2, queued=5)),
        [EndBatch("Batch 1 ended: 8 installed, 2 deferred.", 1)],
        id="devices left for later do not use up the places of a batch",
    ),
    pytest.param(
        snap(ended(deferred=2, installed=8)), [], id="the end of the deployment waits for them"
    ),
    pytest.param(
        snap(ended(deferred=2, installed=8, late=(0, 2, 0))),
        [GiveUp("Batch 1: 2 devices did not come for it within 1 day.", 1, Failure.UNREACHABLE)],
        id="up to the limit",
    ),
    pytest.param(
        snap(batch(pending=1, queued=1, late=(0, 1, 0)), stage=Stage.PAUSED),
        [GiveUp("Batch 1: 1 device did not come for it within 1 day.", 1, Failure.UNREACHABLE)],
        id="limits run on while paused",
    ),
]


@pytest.mark.parametrize(("snapshot", "steps"), [*HOLDING, *RETRIES, *LIMITS])
def test_plan(snapshot, steps):
    assert plan(snapshot, NOON) == steps
