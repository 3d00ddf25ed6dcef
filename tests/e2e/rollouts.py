"""The deployments that a crash test rolls out, as a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from tests.e2e.running import Portal

#: Stages after which the next deployment of a line may begin.
OVER = frozenset({"completed", "cancelled", "rolled_back"})


class Content(NamedTuple):
    """A version of an application, one of its profiles, and the revision of its component."""

    application: str
    version: str
    profile: str
    revision: str
    parameters: Mapping[str, object] = {}


FLOWS = Content("org-nodered-node-red", "4.0.9", "node-red-compose", "4.0.9")
NEXT_FLOWS = Content("org-nodered-node-red", "4.1.0", "node-red-compose", "4.1.0")
HISTORY = Content("com-victoriametrics-single", "1.106.0", "victoria-metrics-compose", "1.106.0")
NEXT_HISTORY = Content("com-victoriametrics-single", "1.106.0", "victoria-metrics-helm", "0.12.4")
PICTURES = Content(
    "com-grafana-grafana",
    "10.0.1",
    "grafana-helm",
    "6.57.5",
    {"adminPassword": "for-dashboards-4711"},
)
#: The packages that hold all of it.
PACKAGES = ("node-red", "node-red-next", "victoria-metrics", "grafana")


@dataclass(frozen=True)
class Rollout:
    """One deployment: of what, to whom, once which other one is over, and how it must end.

    `ends` are the states in which its instances are at the end, each at least once.
    """

    name: str
    content: Content
    labels: str
    after: str = ""
    strategy: Mapping[str, object] = field(default_factory=dict)
    stage: str = "completed"
    status: str = "installed"
    ends: Sequence[str] = ("installed",)


#: What fails, as the simulator is told.
FAILING = (f"revision={NEXT_HISTORY.revision}:0.4", f"application={PICTURES.application}:0.25")

EVERYWHERE = "!none"
LOTS = "lot=1,2,3,4"
AS_THEY_FAIL = "100 %"

#: Three lines of deployments beside each other.
ROLLOUTS = (
    Rollout("Flows 1", FLOWS, EVERYWHERE),
    Rollout(
        *("Flows 2", NEXT_FLOWS, EVERYWHERE, "Flows 1"),
        strategy={
            "kind": "canary",
            "canary_percent": "20",
            "canary_gate": "automatic",
            "canary_soak_seconds": 2,
        },
    ),
    Rollout(
        *("Flows 3", FLOWS, "lot in (3,4)", "Flows 2"),
        strategy={"kind": "rolling", "batch_percent": "50", "batch_delay_seconds": 1},
    ),
    Rollout("History 1", HISTORY, "lot=1"),
    Rollout(
        *("History 2", NEXT_HISTORY, "lot=1", "History 1"),
        strategy={
            "kind": "canary",
            "canary_percent": "40",
            "canary_gate": "automatic",
            "max_failures": AS_THEY_FAIL,
            "rollback_percent": "20",
            "rollback_min_released": 10,
        },
        stage="rolled_back",
        status="removed",
        ends=("removed", "cancelled"),
    ),
    Rollout(
        *("History 3", NEXT_HISTORY, "lot=1", "History 2"),
        strategy={"kind": "rolling", "batch_percent": "50", "max_failures": AS_THEY_FAIL},
        ends=("installed", "failed"),
    ),
    Rollout(
        *("Pictures 1", PICTURES, "lot=2"),
        strategy={"rollback_count": 2},
        stage="rolled_back",
        status="removed",
        ends=("removed",),
    ),
    Rollout(
        *("Pictures 2", PICTURES, "lot=2", "Pictures 1"),
        status="failed",
        ends=("installed", "failed"),
    ),
)

#: For `manage.py shell -c`, with the table in `rollouts`: makes every deployment ready to start.
SUBMIT = """
from django.utils import timezone
from applications.models import ApplicationVersion
from deployments import drafting, submitting
now = timezone.now()
for each in rollouts:
    application, version, profile, _, parameters = each["content"]
    found = ApplicationVersion.objects.get(application__app_id=application, version=version)
    draft = drafting.create(version=found, profile_id=profile, name=each["name"],
        actor=None, now=now, targeting={"labels": each["labels"]})
    drafting.set_parameters(draft, parameters, actor=None, now=now)
    drafting.set_rollout(draft, each["strategy"], actor=None, now=now)
    submitting.submit(draft, actor=None, now=now)
"""


def submit(running: Portal, rollouts: Sequence[Rollout]) -> None:
    """Make every deployment of the table, ready to be started."""
    table = json.dumps([asdict(each) for each in rollouts])
    running.manage("shell", "-c", f"import json; rollouts = json.loads({table!r})\n{SUBMIT}")


@dataclass(frozen=True)
class Standing:
    """Where a deployment stands."""

    id: int
    stage: str
    status: str


def standings(running: Portal) -> dict[str, Standing]:
    """Where each deployment stands, by name."""
    rows = running.rows("SELECT name, id, stage, status FROM deployments_deployment")
    return {
        str(name): Standing(int(str(pk)), str(stage), str(status))
        for name, pk, stage, status in rows
    }
