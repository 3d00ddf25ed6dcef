"""What shall run where: deployments with batches and instances, workloads with revisions."""

from deployments.models.approval import ApprovalRule
from deployments.models.desired import STATUSES, Manifest, Revision, StatusReport, Workload
from deployments.models.history import Event
from deployments.models.rollout import (
    FAILURES,
    STAGES,
    STATES,
    Batch,
    Deployment,
    DeploymentQuerySet,
    Instance,
)

__all__ = [
    "FAILURES",
    "STAGES",
    "STATES",
    "STATUSES",
    "ApprovalRule",
    "Batch",
    "Deployment",
    "DeploymentQuerySet",
    "Event",
    "Instance",
    "Manifest",
    "Revision",
    "StatusReport",
    "Workload",
]
