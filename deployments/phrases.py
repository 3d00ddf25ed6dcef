"""A rollout's strategy in words: how it goes on, and what may go wrong; a phrase each."""

from collections.abc import Mapping

from deployments import strategy
from deployments.planner import Offline, Policy
from deployments.planner.partition import IMMEDIATE
from deployments.states import Failure, Gate
from deployments.words import counted, devices, duration

AFTER: dict[Failure, str] = {
    Failure.FAILED: "a reported failure",
    Failure.REJECTED: "a refusal",
    Failure.TIMED_OUT: "taking too long",
    Failure.UNREACHABLE: "not coming in time",
    Failure.DRIFTED: "failing later",
}


def strategy_words(stored: Mapping[str, object]) -> str:
    """The strategy's name and what it means."""
    kind = str(stored.get("kind", IMMEDIATE))
    return f"{strategy.WORDS.get(kind, kind)}: {strategy.SENTENCES.get(kind, '')}"


def course(stored: Mapping[str, object]) -> list[str]:
    """How it goes from batch to batch; nothing where all get it at once."""
    merged, policy = {**strategy.DEFAULTS, **stored}, strategy.policy_of(stored)
    phrases = []
    if strategy.has_canary(merged):
        phrases += [f"{_canary(merged)} first", f"the others follow {_gate(policy, Gate.CANARY)}"]
    if strategy.has_batches(merged):
        phrases += [_batches(merged), f"the next batch follows {_gate(policy, Gate.BATCH)}"]
    if phrases and merged["order"] == "label":
        phrases.append(f"in the order of the label {merged['order_label']}")
    if phrases and merged["order"] == "groups":
        phrases.append("every batch spread over the groups")
    return phrases


def limits(stored: Mapping[str, object]) -> list[str]:
    """What may go wrong, and what happens then."""
    policy = strategy.policy_of(stored)
    allowed, each = policy.max_failures, " of each batch" if len(course(stored)) else ""
    phrases = [
        f"{allowed.words}{each} may fail" if allowed.number else "none may fail",
        f"{duration(policy.install_timeout_seconds)} to install",
        _offline(policy),
    ]
    if retried := _retries(policy):
        phrases.append(f"tried again by itself: {', '.join(retried)}")
    if undone := _rollback(policy):
        phrases.append(undone)
    return phrases


def _canary(merged: Mapping[str, object]) -> str:
    if merged["canary_by"] == "labels":
        return f"devices with {merged['canary_labels']}"
    if merged["canary_by"] == "count":
        return devices(int(str(merged["canary_count"])))
    return f"{merged['canary_percent']} % of the devices"


def _batches(merged: Mapping[str, object]) -> str:
    if merged["batch_by"] == "sizes":
        return f"batches of {merged['batch_sizes']}"
    if merged["batch_by"] == "size":
        return f"batches of {devices(int(str(merged['batch_size'])))}"
    return f"batches of {merged['batch_percent']} % of the devices"


def _gate(policy: Policy, gate: Gate) -> str:
    rule = policy.gate(gate)
    if not rule.automatic:
        return "after Promote Canary" if gate is Gate.CANARY else "after Approve Batch"
    which = "the canary" if gate is Gate.CANARY else "the one before"
    if rule.delay_seconds:
        return f"{duration(rule.delay_seconds)} after {which} is healthy"
    return f"when {which} is healthy"


def _offline(policy: Policy) -> str:
    most, after = duration(policy.offline_wait_seconds), duration(policy.offline_after_seconds)
    if policy.offline is Offline.WAIT:
        return f"{most} to wait for a device that is offline"
    if policy.offline is Offline.FAIL:
        return f"a device that does not come within {after} counts as failed"
    return f"goes on without a device that does not come within {after}, and waits {most} for it"


def _retries(policy: Policy) -> list[str]:
    return [
        f"{counted(tries, 'time')} after {AFTER[kind]}"
        for kind, tries in policy.retries.items()
        if tries
    ]


def _rollback(policy: Policy) -> str:
    """The thresholds as one sentence; they have to be exceeded."""
    percent, count = policy.rollback_percent, policy.rollback_count
    if percent is None and count is None:
        return ""
    least = policy.rollback_min_released
    once = f"once {devices(least)} {'has' if least == 1 else 'have'} it"
    if count == 0 or percent == 0:
        return f"any failure undoes it {once}"
    thresholds = [f"{percent.normalize():f} % failures"] if percent else []
    thresholds += [counted(count, "failure")] if count else []
    undo = "undoes" if thresholds == ["1 failure"] else "undo"
    return f"more than {' or '.join(thresholds)} {undo} it {once}"
