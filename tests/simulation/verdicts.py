"""What stands after a look of the engine and after a report, recomputed from the rows."""

from datetime import datetime, timedelta

from deployments.models import Deployment, Instance, Revision, StatusReport, Workload
from devices.models import Client
from tests.simulation.fleet import Said
from tests.simulation.rules import broken
from tests.simulation.watching import WAITS_FOR, Sight

WATCHED = {"rolling", "gate", "held", "paused"}
ACTIVE = WATCHED | {"cancelling", "rolling_back"}


def after_look(sight: Sight, now) -> None:
    """Nothing exceeded is left standing, no limit is forgotten, and the summary is true."""
    deployment = Deployment.objects.get(pk=sight.pk)
    if deployment.trouble or deployment.claimed_until:
        broken("22: a look that ended well leaves nothing behind", deployment.trouble)
    there_is: dict[str, object] = {"total": len(sight.parts), "counts": sight.counts}
    if opens := _opens(deployment, sight, now):
        there_is["opens_at"] = opens.isoformat()
    if deployment.summary != there_is:
        broken("the summary is what there is", sight.pk, deployment.summary, there_is)
    if sight.stage in WATCHED and sight.breach():
        broken("4: no breach is left standing", sight)
    if sight.stage in {"rolling", "gate"} and "queued" in sight.counts and sight.unhealthy():
        broken("3: no unhealthy batch is left rolling", sight)
    if sight.stage in WAITS_FOR and not WAITS_FOR[sight.stage] & set(sight.counts):
        broken(f"nothing is left that {sight.stage} waits for", sight)
    if sight.stage in ACTIVE:
        _due(deployment, sight, now)


def _due(deployment: Deployment, sight: Sight, now) -> None:
    """The next look is when the first limit runs out, or the gate opens."""
    opens = _opens(deployment, sight, now)
    limits = [*sight.limits(), *([opens] if opens else [])]
    if deployment.due_at != min(limits, default=None):
        broken("the next look is when the first limit runs out", deployment.due_at, limits, sight)
    if deployment.due_at is not None and deployment.due_at <= now:
        broken("10: nothing is due right after a look", sight.pk, deployment.due_at)


def _opens(deployment: Deployment, sight: Sight, now) -> datetime | None:
    """When the gate at which it waits opens by itself, if it does."""
    if sight.stage != "gate" or deployment.gate_since is None:
        return None
    number, far = sight.gate_batch, now + timedelta(days=60)
    ended = sight.slices[number].ended_at is not None
    if not ended or not sight.passable(number, far, deployment.gate_since):
        return None
    gate = sight.slices[number].gate
    name = "canary_soak_seconds" if gate == "canary" else "batch_delay_seconds"
    return deployment.gate_since + timedelta(seconds=sight.strategy[name])


def staleness(client: Client, wanted: Revision | None, said: Said) -> str:
    """Why the report says nothing about what is wanted now, by the rule of the design."""
    wanted = published(wanted)
    if wanted is None:
        return "nothing published"
    if said.adopted is None:
        return "" if client.proved_version >= wanted.target_version else "not proved"
    if said.adopted > client.manifest_version:
        return "lie"
    return "" if said.adopted >= wanted.target_version else "old"


def published(wanted: Revision | None) -> Revision | None:
    """What the device was told last."""
    while wanted is not None and wanted.target_version is None:
        wanted = wanted.replaces
    return wanted


def standing(workload: Workload) -> list[object]:
    """All states that a report about this workload could change."""
    mine = Instance.objects.filter(workload=workload).order_by("pk")
    columns = "pk", "revision_id", "holds", "state", "failure", "changes", "unjudged"
    return [workload.state, workload.installed_id, list(mine.values_list(*columns))]


def after_report(workload: Workload, said: Said, stale: str, before: list, *, alone: bool) -> None:
    """Answered means in the history; a stale one changes no state, another one what it says."""
    last = StatusReport.objects.filter(workload=workload).order_by("-pk").first()
    if last is None or (last.state, last.error) != (said.state, said.error):
        broken("27: every report that was answered is in the history", said)
    if not alone:
        return
    after = standing(Workload.objects.get(pk=workload.pk))
    if stale:
        if last.counted or after != before:
            broken("27: a stale report changes no state", said, before, after)
        return
    if not last.counted:
        broken("27: a report about what is wanted counts", said, last.remark)
    for was, now in zip(before[2], after[2], strict=True):
        _instance_after(workload, said, was, now)


def _instance_after(workload: Workload, said: Said, was: tuple, now: tuple) -> None:
    """What a report that counts did to an instance."""
    _pk, revision, holds, state, failure = was[:5]
    about = published(workload.wanted)
    if not holds or revision != about.pk:
        if was != now:
            broken("27: a report changes only what holds the workload", said, was, now)
        return
    meant = meaning(said.state, state, failure, removal=about.removal)
    if now[3] != meant:
        broken("31: late truth counts while the deployment runs", said, was, now, meant)
    if state != meant and not now[6]:
        broken("what a report changed is judged", said, now)


def meaning(said: str, state: str, failure: str, *, removal: bool) -> str:
    """The state that an instance must have after a report that counts."""
    back = state in {"removing", "removed"} or failure == "rollback_failed"
    if back:
        done = "removed" if removal else "installed"
        if said == done:
            return "removed"
        return "failed" if said in {"failed", "removed"} else state
    if state not in {"pending", "installing", "deferred", "installed", "failed"}:
        return state
    if said in {"installed", "failed"}:
        return said
    if said == "removed":
        return "failed"
    under_way = state in {"pending", "installing", "deferred"}
    return "installing" if said == "installing" and under_way else state
