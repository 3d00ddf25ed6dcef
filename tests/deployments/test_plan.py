"""The planner's table: a snapshot in, steps with their reasons out. No database."""

import pytest

from deployments.planner import (
    Begin,
    EndBatch,
    Finish,
    GiveUp,
    NothingToRemove,
    Release,
    Restore,
    plan,
)
from deployments.states import Failure, Stage, State, Status
from tests.deployments.seen import NOON, after, batch, ended, snap

UNHEARD = "knew of the removal for 1 minute and never spoke of the application"


START = [
    pytest.param(
        snap(batch(queued=3), stage=Stage.READY, start_at=after(1)), [], id="not yet its time"
    ),
    pytest.param(
        snap(batch(queued=3), stage=Stage.READY, start_at=NOON),
        [Begin("Started at the time that was set.")],
        id="its time has come",
    ),
    pytest.param(
        snap(batch(queued=3), stage=Stage.READY), [], id="ready without a time waits for a person"
    ),
    pytest.param(
        snap(batch(queued=3), stage=Stage.AWAITING_APPROVAL, start_at=NOON),
        [],
        id="unapproved it does not start, whatever the time",
    ),
]

RELEASING = [
    pytest.param(
        snap(batch(queued=3)),
        [Release("Batch 1: released to 3 devices.", 1)],
        id="a new rollout releases its first batch",
    ),
    pytest.param(
        snap(batch(queued=1), batch(2, queued=2)),
        [Release("Batch 1: released to 1 device.", 1)],
        id="and no other with it",
    ),
    pytest.param(
        snap(batch(queued=2, pending=3, installed=1)),
        [Release("Batch 1: released to 2 devices.", 1)],
        id="what was taken back or is released in parts goes on",
    ),
    pytest.param(snap(batch(pending=2, installed=1)), [], id="devices under way: wait"),
    pytest.param(
        snap(batch(installed=2), batch(2, queued=1)),
        [EndBatch("Batch 1 ended: 2 installed.", 1)],
        id="before the next batch this one is noted as ended",
    ),
    pytest.param(
        snap(batch(pending=1, installed=9), batch(2, queued=1)),
        [],
        id="nothing of batch 2 before batch 1 has ended",
    ),
    pytest.param(
        snap(ended(installed=2), batch(2, pending=1), batch(3, queued=1)),
        [],
        id="nothing of batch 3 before batch 2 has ended",
    ),
    pytest.param(
        snap(ended(installed=2), batch(2, queued=4), batch(3, queued=1)),
        [Release("Batch 2: released to 4 devices.", 2, 1)],
        id="without a gate the next batch follows at once",
    ),
    pytest.param(
        snap(batch(installed=1, cancelled=2, skipped=3, superseded=1, deferred=1)),
        [
            EndBatch(
                "Batch 1 ended: 1 installed, 1 deferred, 1 superseded, 3 skipped, 2 cancelled.",
                1,
            )
        ],
        id="cancelled, skipped, superseded and deferred devices end a batch",
    ),
    pytest.param(
        snap(batch(2, released=False, size=0), batch(3, queued=1)),
        [EndBatch("Batch 2 ended: no devices.", 2)],
        id="an empty batch ends by itself",
    ),
    pytest.param(
        snap(ended(installed=1), batch(2, skipped=2, released=False)),
        [EndBatch("Batch 2 ended: 2 skipped.", 2)],
        id="a batch of devices that do not fit ends unreleased",
    ),
    pytest.param(
        snap(batch(pending=1), batch(2, skipped=2, released=False)),
        [],
        id="but not before the one ahead of it",
    ),
]


PAUSED = [
    pytest.param(snap(batch(queued=3), stage=Stage.PAUSED), [], id="paused it releases nothing"),
    pytest.param(
        snap(ended(installed=3), stage=Stage.PAUSED), [], id="paused it does not complete"
    ),
    pytest.param(
        snap(batch(installed=3), batch(2, queued=1), stage=Stage.PAUSED),
        [EndBatch("Batch 1 ended: 3 installed.", 1)],
        id="what was sent may finish and counts",
    ),
    pytest.param(snap(batch(queued=3), stage=Stage.HELD), [], id="held it releases nothing"),
]

ENDINGS = [
    pytest.param(
        snap(),
        [Finish("Completed: 0 of 0 installed.", Stage.COMPLETED, Status.INSTALLED)],
        id="an empty deployment ends by itself",
    ),
    pytest.param(
        snap(ended(installed=2)),
        [Finish("Completed: 2 of 2 installed.", Stage.COMPLETED, Status.INSTALLED)],
        id="all batches ended: completed",
    ),
    pytest.param(
        snap(ended(installed=2, failed=1), max_failures=1),
        [Finish("Completed: 2 of 3 installed, 1 failed.", Stage.COMPLETED, Status.INSTALLED)],
        id="exactly as many failures as allowed",
    ),
    pytest.param(
        snap(ended(installed=1, failed=2), max_failures=1),
        [Finish("Completed: 2 of 3 failed, 1 allowed.", Stage.COMPLETED, Status.FAILED)],
        id="one failure more than allowed",
    ),
    pytest.param(
        snap(
            ended(installed=3, failed=1, accepted=1),
            ended(2, installed=3),
            ended(3, failed=2, accepted=2),
        ),
        [
            Finish(
                "Completed: Batch 1: 1 of 4 failed, 0 allowed; Batch 3: 2 of 2 failed, 0 allowed.",
                Stage.COMPLETED,
                Status.FAILED,
            )
        ],
        id="accepted failures are failures all the same, and each batch has its numbers",
    ),
    pytest.param(
        snap(ended(skipped=2)),
        [Finish("Completed: 0 of 2 installed, 2 skipped.", Stage.COMPLETED, Status.INSTALLED)],
        id="nobody needed it",
    ),
    pytest.param(
        snap(batch(pending=1, cancelled=1), stage=Stage.CANCELLING),
        [],
        id="a cancel waits for what was sent",
    ),
    pytest.param(
        snap(ended(installed=1, cancelled=1), stage=Stage.CANCELLING),
        [
            Finish(
                "Cancelled: 1 of 2 had it installed and keep it.",
                Stage.CANCELLED,
                Status.INSTALLED,
            )
        ],
        id="cancelled with something installed",
    ),
    pytest.param(
        snap(ended(cancelled=2), stage=Stage.CANCELLING),
        [
            Finish(
                "Cancelled: 0 of 2 had it installed and keep it.", Stage.CANCELLED, Status.REMOVED
            )
        ],
        id="cancelled before anything happened",
    ),
    pytest.param(snap(batch(queued=2), stage=Stage.CANCELLING), [], id="a cancel releases nothing"),
    pytest.param(
        snap(ended(installed=1, failed=3, cancelled=1), stage=Stage.CANCELLING, rollback_count=0),
        [
            Finish(
                "Cancelled: 1 of 5 had it installed and keep it.",
                Stage.CANCELLED,
                Status.INSTALLED,
            )
        ],
        id="failures after a cancel undo nothing",
    ),
]

UNDOING = [
    pytest.param(
        snap(batch(queued=4), batch(2, queued=2, waiting_again=1), stage=Stage.ROLLING_BACK),
        [Restore("Putting back what ran before on 1 device.")],
        id="a rollback looks at what waits once more",
    ),
    pytest.param(
        snap(batch(queued=4), stage=Stage.ROLLING_BACK),
        [Restore("Never sent to 4 devices: nothing to put back there.")],
        id="a rollback ends what was never sent",
    ),
    pytest.param(
        snap(ended(installed=2, failed=1), batch(2, queued=4), stage=Stage.ROLLING_BACK),
        [Restore("Putting back what ran before on 3 devices.")],
        id="a rollback looks at all it has not looked at",
    ),
    pytest.param(
        snap(ended(removing=1, removed=2), stage=Stage.ROLLING_BACK), [], id="and waits for them"
    ),
    pytest.param(
        snap(ended(removed=2, cancelled=3), stage=Stage.ROLLING_BACK),
        [Finish("Rolled back: 2 devices put back.", Stage.ROLLED_BACK, Status.REMOVED)],
        id="rolled back",
    ),
    pytest.param(
        snap(ended(removed=2, failed=1, unrestored=1), stage=Stage.ROLLING_BACK),
        [Finish("Rolled back: 1 of 3 could not be put back.", Stage.ROLLED_BACK, Status.FAILED)],
        id="some could not be put back",
    ),
    pytest.param(
        snap(ended(removing=1, failed=9, unrestored=9), stage=Stage.ROLLING_BACK, rollback_count=0),
        [],
        id="a failure in a rollback starts no other",
    ),
    pytest.param(
        snap(ended(removing=2, late=(1, 1, 0)), stage=Stage.ROLLING_BACK),
        [
            GiveUp("Batch 1: 1 device did not finish within 30 minutes.", 1, Failure.TIMED_OUT),
            GiveUp("Batch 1: 1 device did not come for it within 1 day.", 1, Failure.UNREACHABLE),
        ],
        id="a device that cannot be put back is not waited for for ever",
    ),
    pytest.param(
        snap(ended(removing=3, unheard=2, late=(2, 0, 0)), stage=Stage.ROLLING_BACK),
        [NothingToRemove(f"Batch 1: 2 devices {UNHEARD}: nothing to remove.", 1)],
        id="what a device never spoke of it need not remove",
    ),
    pytest.param(
        snap(ended(superseded=2, cancelled=1), stage=Stage.ROLLING_BACK),
        [Finish("Rolled back: 0 devices put back.", Stage.ROLLED_BACK, Status.REMOVED)],
        id="nothing is left to put back",
    ),
]


@pytest.mark.parametrize(
    ("snapshot", "steps"),
    [*START, *RELEASING, *PAUSED, *ENDINGS, *UNDOING],
)
def test_plan(snapshot, steps):
    assert plan(snapshot, NOON) == steps


@pytest.mark.parametrize("state", [State.PENDING, State.INSTALLING, State.QUEUED, State.REMOVING])
def test_these_keep_a_batch_open(state):
    seen = snap(batch(released=True, **{state.value: 1, "installed": 1}))
    assert EndBatch not in {type(step) for step in plan(seen, NOON)}


@pytest.mark.parametrize(
    "state", sorted(set(State) - {"pending", "installing", "queued", "removing"})
)
def test_and_these_end_it(state):
    steps = plan(snap(batch(**{state.value: 1})), NOON)
    assert [type(step) for step in steps] == [EndBatch]
