"""Taking back what was released but never published."""

from datetime import datetime

from django.db.models import F

from deployments.models import Deployment, Revision, Workload
from deployments.rows import Source, update_from
from devices.desire import raise_generation


def take_back(deployment: Deployment, now: datetime) -> int:
    """Withdraws this deployment's unpublished revisions; answers how many.

    Publishing marks a revision by an UPDATE under the opposite condition, so each revision is
    either published or withdrawn, never both. The clients are locked first, as publishing does.
    What a rollback put back has this deployment's content too, and is not taken back.
    """
    unpublished = Revision.objects.filter(
        deployment=deployment,
        target_version=None,
        withdrawn_at=None,
        restores=None,
        removal=False,
    )
    raise_generation(unpublished.values("workload__device__client"))
    withdrawn = unpublished.update(withdrawn_at=now)
    taken = Revision.objects.filter(
        deployment=deployment, withdrawn_at__isnull=False, wanted_by__isnull=False
    )
    values: dict[str, Source] = {"pk": F("workload_id"), "wanted": F("replaces_id")}
    # Again until none is left: a try that was never published may have replaced another such.
    while withdrawn and update_from(Workload, values, taken):
        pass
    return withdrawn
