"""What happens in one world, as data: drawn from a seed beforehand, replayed and shrunk."""

from dataclasses import dataclass
from random import Random

MOODS = {
    "quick": 8,
    "good": 5,
    "fail": 5,
    "flaky": 3,
    "broken": 2,
    "reject": 2,
    "hang": 2,
    "lazy": 1,
    "lossy": 3,
    "mute": 3,
    "drift": 4,
    "gone": 1,
    "old": 2,
    "liar": 1,
    "pretender": 1,
}
#: How many devices a world has.
DEVICES = 8
EDGES = 5
SECONDS = (1, 5, 30, 60, 600)
LONG = (60, 600, 3600, 7200, 86_400, 100_000)
BUTTONS = (
    "edit",
    "submit",
    "approve",
    "deny",
    "start",
    "schedule",
    "promote_canary",
    "approve_batch",
    "resume",
    "pause",
    "retry_failed",
    "give_up",
    "rollback",
    "cancel",
    "delete",
)


@dataclass(frozen=True)
class Step:
    """One thing that happens; `args` are all it depends on besides the world."""

    op: str
    args: dict[str, object]

    def __str__(self) -> str:
        words = [f"{name}={value}" for name, value in self.args.items()]
        return " ".join([self.op, *words])


def draw(seed: int) -> list[Step]:
    """The steps of a seed: a rollout or two to begin with, then whatever comes."""
    chance = Random(seed)
    steps = [_step(chance, "mood") for _ in range(chance.randint(0, 4))]
    steps.append(Step("rollout", {**_rollout(chance), "until": "started"}))
    steps.append(_step(chance, "live"))
    if chance.random() < 0.7:
        # Something good to go back to.
        steps += [Step("settle", {"rounds": 3}), *(_step(chance, "mood") for _ in range(3))]
        steps.append(Step("rollout", {**_rollout(chance), "until": "started"}))
    number = chance.randint(42, 56)
    return steps + [_step(chance) for _ in range(number - len(steps))]


def _step(chance: Random, op: str = "") -> Step:
    op = op or _pick(chance, WEIGHTS)
    return Step(op, _ARGS[op](chance))


def _pick(chance: Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _rollout(chance: Random) -> dict[str, object]:
    return {
        "app": "pump" if chance.random() < 0.15 else "mixer",
        "version": chance.choice(("1.0.0", "2.0.0", "3.0.0")),
        "devices": _devices(chance),
        "speed": chance.choice((10, 10, 20)),
        "until": _pick(chance, {"started": 12, "submitted": 5, "asked": 4, "draft": 1}),
        "strategy": _strategy(chance),
    }


def _devices(chance: Random) -> list[int]:
    if chance.random() < 0.4:
        return list(range(DEVICES))
    return sorted(chance.sample(range(DEVICES), chance.randint(1, DEVICES)))


def _strategy(chance: Random) -> dict[str, object]:
    strategy: dict[str, object] = {
        "kind": _pick(chance, {"immediate": 2, "canary": 3, "rolling": 4, "canary_rolling": 4}),
        **_shape(chance),
        "max_failures": chance.choice((0, 0, 1, 2, "20 %", "50 %", "100 %")),
        "install_timeout_seconds": chance.choice((60, 600, 1800)),
    }
    for kind in ("failed", "rejected", "timed_out", "unreachable", "drifted"):
        strategy[f"retry_{kind}"] = chance.choice((0, 0, 0, 1, 2))
    return strategy | _offline(chance) | _thresholds(chance)


def _shape(chance: Random) -> dict[str, object]:
    return {
        "order": chance.choice(("selected", "selected", "label", "groups")),
        "order_label": "line",
        "canary_by": chance.choice(("percent", "count", "labels")),
        "canary_labels": chance.choice(("line=1", "line in (1, 2)", "line=9")),
        "canary_percent": chance.choice(("1", "15", "30", "100")),
        "canary_count": chance.choice((1, 1, 2)),
        "canary_gate": chance.choice(("manual", "automatic")),
        "canary_soak_seconds": chance.choice((0, 0, 60, 3600)),
        "batch_by": chance.choice(("percent", "size", "sizes")),
        "batch_percent": chance.choice(("20", "33.33", "50")),
        "batch_size": chance.choice((1, 2, 3)),
        "batch_sizes": chance.choice(("1, 2, rest", "1, 50 %, rest", "2, 2")),
        "batch_gate": chance.choice(("manual", "automatic", "automatic")),
        "batch_delay_seconds": chance.choice((0, 0, 60, 3600)),
    }


def _offline(chance: Random) -> dict[str, object]:
    return {
        "offline": chance.choice(("wait", "move_on", "move_on", "fail")),
        "offline_after_seconds": chance.choice((30, 300)),
        "offline_wait_seconds": chance.choice((600, 7200, 86_400)),
    }


def _thresholds(chance: Random) -> dict[str, object]:
    return {
        "rollback_percent": chance.choice((None, None, "0", "14.28", "33.33", "50", "99.99")),
        "rollback_count": chance.choice((None, None, 0, 1, 2)),
        "rollback_min_released": chance.choice((1, 1, 2, 4)),
    }


def _button(chance: Random) -> dict[str, object]:
    return {
        "which": chance.randint(0, 7),
        "button": chance.choice(BUTTONS),
        "person": chance.randint(0, 1),
        "stale": chance.random() < 0.3,
    }


def _sensible(chance: Random) -> dict[str, object]:
    return {
        "which": chance.randint(0, 7),
        "pick": round(chance.random(), 3),
        "person": chance.randint(0, 1),
    }


def _live(chance: Random) -> dict[str, object]:
    return {
        "rounds": chance.randint(1, 3),
        "seconds": chance.choice(SECONDS),
        "first": chance.randint(0, EDGES - 1),
    }


def _act(chance: Random) -> dict[str, object]:
    return {"edge": chance.randint(0, EDGES - 1)}


def _inner(chance: Random) -> Step:
    return _step(chance, _pick(chance, MORTAL))


def _interrupted(chance: Random) -> dict[str, object]:
    doing = _inner(chance)
    return {"at": chance.randint(1, STATEMENTS.get(doing.op, 10)), "doing": doing}


_ARGS = {
    "live": _live,
    "settle": lambda chance: {"rounds": chance.randint(1, 2)},
    "pass": lambda chance: {"seconds": chance.choice(LONG)},
    "beat": lambda chance: {},
    "look_at": lambda chance: {"which": chance.randint(0, 7)},
    "poke": lambda chance: {"which": chance.randint(0, 7)},
    "sensible": _sensible,
    "press": _button,
    "rollout": _rollout,
    "mood": lambda chance: {
        "device": chance.randint(0, DEVICES - 1),
        "mood": _pick(chance, MOODS),
    },
    "act": _act,
    "head": _act,
    "deprecate": lambda chance: {
        "version": chance.choice(("1.0.0", "2.0.0", "3.0.0")),
        "again": chance.random() < 0.6,
    },
    "repeat": lambda chance: {**_act(chance), "back": chance.randint(1, 12)},
    "flush": lambda chance: {**_act(chance), "backwards": chance.random() < 0.5},
    "line": lambda chance: {**_act(chance), "online": chance.random() < 0.55},
    "retire": _act,
    "accept": _act,
    "leave": lambda chance: {"device": chance.randint(0, DEVICES - 1)},
    "return": lambda chance: {"device": chance.randint(0, DEVICES - 1)},
    "die": _interrupted,
    "meanwhile": lambda chance: {**_interrupted(chance), "other": _inner(chance)},
}

#: What may be interrupted, by a death or by something else.
MORTAL = {"beat": 2, "live": 6, "act": 4, "sensible": 7, "rollout": 2, "pass": 4, "retire": 1}
#: About how many statements that takes.
STATEMENTS = {"beat": 30, "live": 120, "act": 25, "sensible": 18, "rollout": 60, "pass": 40}
WEIGHTS = {
    "live": 22,
    "pass": 7,
    "beat": 2,
    "look_at": 2,
    "poke": 4,
    "sensible": 18,
    "press": 5,
    "rollout": 8,
    "mood": 9,
    "act": 3,
    "head": 1,
    "deprecate": 1,
    "repeat": 4,
    "flush": 4,
    "line": 4,
    "retire": 1,
    "accept": 2,
    "leave": 1,
    "return": 2,
    "die": 7,
    "meanwhile": 7,
}
