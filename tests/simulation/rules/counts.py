"""Reports and counters, and manifests as they are numbered."""

from collections.abc import Iterator

from tests.simulation.rules import rule


@rule("manifest versions never go back")
def counters(was, now, world) -> Iterator[str]:
    """Nor what a client proved to hold, nor the generations; nobody proves what is not there."""
    names = ("manifest_version", "proved_version", "desired_generation", "published_generation")
    for pk, client in now.clients.items():
        before = was.clients[pk]
        for name in names:
            if getattr(client, name) < getattr(before, name):
                yield f"client {pk}: {name} went from {getattr(before, name)}"
        if client.proved_version > client.manifest_version:
            yield f"client {pk} proved a manifest that was never published"
        if client.published_generation > client.desired_generation:
            yield f"client {pk} has a generation nobody asked for"


@rule("a target version is one that was published")
def target_versions(was, now, world) -> Iterator[str]:
    """Each revision learns it when the client's manifest is made."""
    for pk, one in now.revisions.items():
        if one.target_version is None:
            continue
        device = now.workloads[one.workload_id].device_id
        client = now.clients[world.client_of[device]]
        if one.target_version > client.manifest_version:
            yield f"revision {pk} is the target of {one.target_version}"
        if not one.digest and not one.removal:
            yield f"revision {pk} was published without bytes"


@rule("installed is what a device that can be trusted really installed")
def truth(was, now, world) -> Iterator[str]:
    """No stale report makes a workload look installed."""
    for pk, workload in now.workloads.items():
        before = was.workloads.get(pk)
        if workload.installed_id is None or (before and before == workload):
            continue
        unit = world.unit_of[workload.device_id]
        digest = now.revisions[workload.installed_id].digest
        if not unit.untrusted and digest not in unit.installed:
            yield f"{unit.path} never installed revision {workload.installed_id}"


@rule("tries are counted, and a failure has a kind")
def attempts(was, now, world) -> Iterator[str]:
    """Failed means why; released means tried."""
    for pk, one in now.instances.items():
        moving = {"pending", "installing", "deferred", "installed", "removing", "skipped"}
        if (one.failure and one.state in moving) or (one.state == "failed" and not one.failure):
            yield f"instance {pk} is {one.state} with the failure {one.failure!r}"
        reported = now.revisions.get(one.revision_id)
        if one.state == "installed" and one.holds and not (reported and reported.installed_at):
            yield f"instance {pk} is installed, and nobody reported revision {one.revision_id}"
        if one.state in {"pending", "installing", "deferred", "installed"} and not one.attempts:
            yield f"instance {pk} is {one.state} and was never tried"


@rule("41: no more tries than the policy and people allow")
def tries(was, now, world) -> Iterator[str]:
    """One, those of the policy, and one for each time that somebody tried again."""
    again = {}
    for event in now.events.values():
        if event.kind == "retried" and event.actor_id is not None:
            again[event.deployment_id] = again.get(event.deployment_id, 0) + 1
    for pk, one in now.instances.items():
        strategy = now.deployments[one.deployment_id].strategy
        limits = [value for name, value in strategy.items() if name.startswith("retry_")]
        most = 1 + max(limits) + again.get(one.deployment_id, 0)
        if one.attempts > most:
            yield f"instance {pk} was tried {one.attempts} times, {most} allowed"
