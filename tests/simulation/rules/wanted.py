"""What devices shall run: revisions, releases, take-backs and restores."""

from collections.abc import Iterator

from deployments.states import ACTIVE, Stage
from tests.simulation.rules import rule

IN_FLIGHT = {"pending", "installing", "deferred"}


@rule("a revision is published or withdrawn, and stays what it is")
def published_or_withdrawn(was, now, world) -> Iterator[str]:
    """It neither goes nor changes once a client may know it."""
    for pk, one in now.revisions.items():
        if one.target_version is not None and one.withdrawn_at is not None:
            yield f"revision {pk} was published and withdrawn"
        before = was.revisions.get(pk, one)
        published = (before.target_version, before.digest)
        if before.target_version is not None and published != (one.target_version, one.digest):
            yield f"revision {pk} was published anew"
        if before.withdrawn_at is not None and one.withdrawn_at != before.withdrawn_at:
            yield f"revision {pk} came back"
    for pk in was.revisions.keys() - now.revisions.keys():
        yield f"revision {pk} is gone"


@rule("each try has a digest of its own")
def digests(was, now, world) -> Iterator[str]:
    """A device that failed would not look again at what it has seen."""
    seen = set()
    for pk, one in now.revisions.items():
        if one.digest and (one.workload_id, one.digest) in seen:
            yield f"revision {pk} has the digest of an earlier try"
        seen.add((one.workload_id, one.digest))


@rule("a withdrawn revision is wanted nowhere")
def wanted_is_alive(was, now, world) -> Iterator[str]:
    """And what is wanted belongs to the workload."""
    for pk, workload in now.workloads.items():
        wanted = now.revisions.get(workload.wanted_id)
        if wanted is None:
            if workload.wanted_id is not None:
                yield f"workload {pk} wants what is not there"
        elif wanted.withdrawn_at is not None:
            yield f"workload {pk} wants revision {wanted.pk}, which was withdrawn"
        elif wanted.workload_id != pk:
            yield f"workload {pk} wants the revision of another"


@rule("8: what shall run changes only where a deployment holds the workload")
def changed_by_holder(was, now, world) -> Iterator[str]:
    """A device that was not released is left alone."""
    active = {event.deployment_id for pk, event in now.events.items() if pk not in was.events}
    active |= {pk for pk, one in was.deployments.items() if one.stage in ACTIVE}
    holding = {
        (one.device_id, one.application_id)
        for one in now.instances.values()
        if one.deployment_id in active and one.state not in {"queued", "skipped"}
    } | {(one.device_id, one.application_id) for one in was.instances.values() if one.holds}
    for pk, workload in now.workloads.items():
        before = was.workloads.get(pk)
        if before is None or before.wanted_id == workload.wanted_id:
            continue
        if (workload.device_id, workload.application_id) not in holding:
            yield f"workload {pk} wants {workload.wanted_id} and nobody held it"


@rule("5: while nothing is sent, nothing unpublished is wanted")
def nothing_unsent(was, now, world) -> Iterator[str]:
    """Pause, hold and cancel take back what was released but never published."""
    quiet = {Stage.PAUSED, Stage.HELD, Stage.CANCELLING}
    for workload in now.workloads.values():
        wanted = now.revisions.get(workload.wanted_id)
        if wanted is None or wanted.target_version is not None:
            continue
        if wanted.removal or wanted.restores_id is not None:
            continue
        stage = now.deployments[wanted.deployment_id].stage
        if stage in quiet:
            yield f"{wanted.deployment_id} is {stage} and revision {wanted.pk} was never published"


@rule("an instance under way has what its device shall run")
def bound(was, now, world) -> Iterator[str]:
    """Its revision is the wanted one, as long as its deployment holds the workload."""
    for one in now.instances.values():
        stage = now.deployments[one.deployment_id].stage
        if stage == Stage.ROLLING_BACK and one.state != "removing":
            continue
        moving = one.state in IN_FLIGHT | {"removing"} or (one.state == "installed" and one.holds)
        if not moving or stage not in ACTIVE:
            continue
        if not one.holds:
            yield f"instance {one.pk} is {one.state} and does not hold its workload"
        elif now.workloads[one.workload_id].wanted_id != one.revision_id:
            yield f"instance {one.pk} ({one.state}) is about {one.revision_id}, another is wanted"


@rule("never released, never touched")
def untouched(was, now, world) -> Iterator[str]:
    """No revision of a deployment where nothing was released."""
    made = {
        (one.deployment_id, one.workload_id)
        for one in now.revisions.values()
        if one.withdrawn_at is None and one.restores_id is None and not one.removal
    }
    for one in now.instances.values():
        if one.attempts or one.workload_id is None:
            continue
        if (one.deployment_id, one.workload_id) in made and one.state in {"queued", "cancelled"}:
            yield f"instance {one.pk} is {one.state} and has a revision"


@rule("8: a rollback undoes its own deployment's content only")
def restores_own(was, now, world) -> Iterator[str]:
    """And puts back what the device reported installed before, stepping past the bad."""
    for pk, made in now.revisions.items():
        if pk in was.revisions or not (made.removal or made.restores_id):
            continue
        theirs = [one for one in now.instances.values() if one.revision_id == pk]
        if not theirs:
            continue
        instance, replaced = theirs[0], now.revisions[made.replaces_id]
        again = replaced.removal or replaced.restores_id is not None
        if not again and replaced.deployment_id != instance.deployment_id:
            yield f"{instance.deployment_id} undid the content of {replaced.deployment_id}"
        if not again and replaced.bad_at is None:
            yield f"revision {replaced.pk} was rolled back and is not known as bad"
        if made.removal != (instance.restore_to_id is None):
            yield f"instance {instance.pk} has {instance.restore_to_id} to restore"
        yield from _like(made, now.revisions.get(instance.restore_to_id))


def _like(made, before) -> Iterator[str]:
    """The content of what ran before, which was not rolled back itself."""
    if before is not None and before.content != made.content:
        yield f"revision {made.pk} does not have the content of {before.pk}"
    if before is not None and before.bad_at is not None:
        yield f"revision {made.pk} restores {before.pk}, which is bad"


@rule("8: what is put back is what the device ran before its first release here")
def restore_to(was, now, world) -> Iterator[str]:
    """The last revision that the device reported installed, of another deployment, not bad."""
    for pk, one in now.instances.items():
        before = was.instances.get(pk)
        if before is None or before.attempts or not one.attempts or pk in world.first_release:
            continue
        world.first_release.add(pk)
        once = one.attempts == 1 and one.released_at is not None
        if not once or one.state in {"removing", "removed"}:
            # More than its first release happened in this step.
            continue
        expected = _ran_before(now, one)
        if expected != one.restore_to_id:
            yield f"instance {pk} goes back to {one.restore_to_id}, and {expected} ran before"


def _ran_before(now, instance) -> int | None:
    """By the reports that had counted when it was released, from the last to the first."""
    ends = [
        report
        for report in now.reports.values()
        if report.workload_id == instance.workload_id
        and report.counted
        and report.state in {"installed", "removed"}
        and report.received_at <= instance.released_at
        and report.revision_id != instance.revision_id
    ]
    if not ends or ends[-1].state == "removed":
        return None
    for report in reversed(ends):
        revision = now.revisions[report.revision_id]
        bad = revision.bad_at is not None and revision.bad_at <= instance.released_at
        if report.state == "installed" and not bad and not revision.removal:
            return revision.pk
    return None


@rule("8: rolled back means put back")
def rolled_back(was, now, world) -> Iterator[str]:
    """Every device that was put back shall run its earlier content as a new try, or nothing."""
    for pk, deployment in now.deployments.items():
        before = was.deployments.get(pk)
        if deployment.stage != Stage.ROLLED_BACK or before is None or before.stage == "rolled_back":
            continue
        for one in now.instances_of(pk):
            wanted = now.wanted(one)
            undone = wanted is None or wanted.removal or wanted.restores_id is not None
            if one.state == "removed" and not undone and wanted.deployment_id == pk:
                yield f"instance {one.pk} is put back and still wants {wanted.pk}"
            if one.state in IN_FLIGHT | {"installed", "queued", "removing"}:
                yield f"instance {one.pk} is {one.state} after the rollback"
