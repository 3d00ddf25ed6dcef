"""When a deployment needs somebody's approval, and what exactly was approved."""

import hashlib
import json

from deployments.models import Deployment, Instance

#: The columns of a deployment that was not submitted yet.
NONE_YET: dict[str, object] = {
    "asks_approval": False,
    "approval_reasons": [],
    "plan_digest": "",
    "approved_digest": "",
    "approved_by": None,
    "approved_at": None,
}


def is_needed(deployment: Deployment) -> bool:
    """Whether its author or a rule asked for approval when it was submitted."""
    return deployment.asks_approval or bool(deployment.approval_reasons)


def digest_of(deployment: Deployment) -> str:
    """Stands for version, profile, parameters, strategy and the frozen targets in their order."""
    told = [
        deployment.version_id,
        deployment.profile_id,
        deployment.resolved,
        deployment.content,
        deployment.strategy,
    ]
    summed = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    targets = Instance.objects.filter(deployment=deployment).order_by("position")
    for device in targets.values_list("device_id", flat=True).iterator(chunk_size=10_000):
        summed.update(b"%d " % device)
    return summed.hexdigest()
