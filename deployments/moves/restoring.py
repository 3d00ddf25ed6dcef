"""A rollback reaches its devices: what ran before becomes what they shall run, by set-based SQL."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from deployments import events
from deployments.models import Deployment, Instance, Revision
from deployments.moves import binding, instances
from deployments.moves.locks import lock_workloads, look_up_by_index
from deployments.rows import Among, Source, insert_from
from deployments.states import RELEASED, Failure, Stage, State
from devices.desire import raise_generation
from devices.models import Client

#: So many devices are put back by one transaction: a client that polls meanwhile waits for its end.
CHUNK = 1_000
#: What a rollback has not looked at yet, and of that what may have reached a device.
_LEFT = Q(state__in=RELEASED | {State.QUEUED}) & ~Q(failure=Failure.ROLLBACK_FAILED)
_SENT = _LEFT & ~Q(state=State.QUEUED, attempts=0)
_UNRESTORED = Q(state=State.FAILED, failure=Failure.ROLLBACK_FAILED)
_SUPERSEDED = "Another deployment has changed it since"


def sent(deployment: Deployment) -> QuerySet[Instance]:
    """What a rollback still has to put back, wherever it may have reached the device."""
    return Instance.objects.filter(_SENT, deployment=deployment)


def restore(deployment: Deployment, now: datetime) -> None:
    """Puts the next devices back; call it inside a transaction.

    What may have reached devices comes first: the others do not wait for anything.
    """
    if keys := _next(sent(deployment)):
        _put_back(deployment, keys, now)
    elif keys := _next(Instance.objects.filter(_LEFT, deployment=deployment)):
        unsent = Instance.objects.filter(_LEFT, Among("pk", keys))
        instances.close(unsent, State.CANCELLED, "Never sent", now)


def is_due_at(client: Client) -> bool:
    """Whether a rollback has yet to put something back on this client's devices."""
    return bool(_due_at(client))


def restore_at(client: Client, now: datetime) -> bool:
    """Puts back what is rolled back on this client's devices; answers whether anything was.

    So a rollback reaches a device that asks from the moment it is decided, however many others the
    engine has yet to come to. Call it in the transaction that publishes, with the client locked.
    """
    due = _due_at(client)
    for deployment in Deployment.objects.filter(pk__in=due) if due else ():
        _put_back(deployment, due[deployment.pk], now)
        events.ring(deployment.pk)
    return bool(due)


def _due_at(client: Client) -> dict[int, list[int]]:
    """The instances on its devices that a rollback has not looked at, by deployment.

    Asked by keys, step by step: what the database believes about a deployment that was just made
    would have it read all its instances.
    """
    rolled_back = Deployment.objects.filter(stage=Stage.ROLLING_BACK).order_by()
    if not (deployments := list(rolled_back.values_list("pk", flat=True))):
        return {}
    here = list(client.devices.order_by().values_list("pk", flat=True))
    left = Instance.objects.filter(_SENT, deployment__in=deployments, device__in=here)
    due: dict[int, list[int]] = {}
    for deployment, instance in left.order_by("pk").values_list("deployment", "pk"):
        due.setdefault(deployment, []).append(instance)
    return due


def _next(left: QuerySet[Instance]) -> list[int]:
    """As many as one transaction takes."""
    return list(left.order_by("position").values_list("pk", flat=True)[:CHUNK])


def _put_back(deployment: Deployment, keys: list[int], now: datetime) -> None:
    """Puts back what was sent to the devices of these instances.

    Only workloads whose content is this deployment's are touched. What never reached a device is
    over at once; where another deployment came since, this one is superseded.
    """
    scope = Instance.objects.filter(Among("pk", keys))
    chunk = scope.filter(_SENT)
    _lock(chunk)
    binding.step_past_bad(chunk, deployment.content)
    ours = instances.unheld(instances.asked_of(chunk, deployment), deployment)
    made = _want(ours, _what_ran_before(deployment, now), chunk, now)
    _remember_as_bad(deployment, made, now)
    _give_up_on_the_gone(scope, now)
    _close_the_rest(deployment, chunk, now)


def restore_again(deployment: Deployment, now: datetime) -> int:
    """Puts devices back once more where that failed; answers how many it tries."""
    mine = Instance.objects.filter(deployment=deployment)
    failed = mine.filter(_UNRESTORED)
    _lock(failed)
    ours = instances.unheld(failed.filter(workload__wanted=F("revision")), deployment)
    count = _want(ours, _the_same_again(now), failed, now).count()
    _give_up_on_the_gone(mine, now)
    if count:
        instances.close(failed.exclude(released_at=now), State.SUPERSEDED, _SUPERSEDED, now)
    return count


def _lock(chunk: QuerySet[Instance]) -> None:
    """Locks what may be changed for them; a client of theirs that gets nothing new will see that.

    Clients first, as a release and a poll do, then workloads, as a report does.
    """
    look_up_by_index()
    raise_generation(chunk.exclude(workload=None).order_by().values("device__client"))
    lock_workloads(chunk)


def _want(
    ours: QuerySet[Instance],
    values: Mapping[str, Source],
    chunk: QuerySet[Instance],
    now: datetime,
) -> QuerySet[Revision]:
    """Makes the revisions that restore or remove, and ties workloads and instances to them."""
    newest = binding.newest_revision()
    insert_from(Revision, values, ours.order_by())
    made = binding.made_since(newest, now)
    binding.want(made)
    binding.put_back(chunk, newest, now)
    return made


def _give_up_on_the_gone(scope: QuerySet[Instance], now: datetime) -> None:
    begun = scope.filter(state=State.REMOVING, released_at=now)
    words = "The device has left the fleet, so it cannot be put back."
    instances.give_up_gone(begun, Failure.ROLLBACK_FAILED, words, now)


def _remember_as_bad(deployment: Deployment, made: QuerySet[Revision], now: datetime) -> None:
    """This content is not put back on these devices by a later rollback."""
    tried = Revision.objects.filter(content=deployment.content, bad_at=None)
    tried.filter(workload__in=made.values("workload")).update(bad_at=now)


def _what_ran_before(deployment: Deployment, now: datetime) -> dict[str, Source]:
    removal = Case(
        When(restore_to=None, then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    )
    return _revision("restore_to", now) | {
        "deployment": Coalesce(
            F("restore_to__deployment_id"), Value(deployment.pk), output_field=IntegerField()
        ),
        "version": Coalesce(
            F("restore_to__version_id"), Value(deployment.version_id), output_field=IntegerField()
        ),
        "removal": removal,
        "restores": F("restore_to_id"),
    }


def _the_same_again(now: datetime) -> dict[str, Source]:
    return _revision("workload__wanted", now) | {
        "deployment": F("workload__wanted__deployment_id"),
        "version": F("workload__wanted__version_id"),
        "removal": F("workload__wanted__removal"),
        "restores": F("workload__wanted__restores_id"),
    }


def _revision(like: str, now: datetime) -> dict[str, Source]:
    """A new try of that content: a device would not look again at one it has seen."""
    content = Coalesce(F(f"{like}__content"), Value(""), output_field=CharField())
    earlier = Revision.objects.filter(
        workload=OuterRef("workload"), content=OuterRef(f"{like}__content")
    )
    again = earlier.order_by("-attempt").values(next=F("attempt") + 1)[:1]
    return {
        "workload": F("workload_id"),
        "replaces": F("workload__wanted_id"),
        "content": content,
        "attempt": Coalesce(Subquery(again), 0, output_field=IntegerField()),
        "digest": Value("", output_field=CharField()),
        "created_at": Value(now, output_field=DateTimeField()),
    }


def _close_the_rest(deployment: Deployment, chunk: QuerySet[Instance], now: datetime) -> None:
    """What there is nothing to put back for; `chunk` is what was not begun."""
    held = instances.asked_of(chunk, deployment)
    instances.close(held, State.SUPERSEDED, "Another deployment is changing it", now)
    queued = chunk.filter(state=State.QUEUED)
    instances.close(queued, State.CANCELLED, "Never sent", now)
    unsent = chunk.filter(Q(revision=None) | Q(revision__withdrawn_at__isnull=False))
    instances.close(unsent, State.REMOVED, "Taken back before the device knew about it", now)
    instances.close(chunk, State.SUPERSEDED, _SUPERSEDED, now)
