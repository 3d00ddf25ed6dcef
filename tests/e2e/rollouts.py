"""The deployments that a crash test rolls out, as a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from tests.e2e.running import Portal

#: Stages after which the next deployment of a line may begin.
OVER = frozenset({"completed", "cancelled", "rolled_back"})


class Content(NamedTuple):
    """A version of an application and one of its profiles."""

    application: str
    version: str
    profile: str
    parameters: Mapping[str, object] = {}


FLOWS = Content("org-nodered-node-red", "4.0.9", "node-red-compose")
NEXT_FLOWS = Content("org-nodered-node-red", "4.1.0", "node-red-compose")
HISTORY = Content("com-victoriametrics-single", "1.106.0", "victoria-metrics-compose")
NEXT_HISTORY = Content("com-victoriametrics-single", "1.106.0", "victoria-metrics-helm")
#: The application whose installations fail now and then.
PICTURES = Content(
    "com-grafana-grafana", "10.0.1", "grafana-helm", {"adminPassword": "for-dashboards-4711"}
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
    labels: str = "!none"
    after: str = ""
    strategy: Mapping[str, object] = field(default_factory=dict)
    stage: str = "completed"
    status: str = "installed"
    ends: frozenset[str] = frozenset({"installed"})


#: For `manage.py shell -c`, with the table in `rollouts`: makes every deployment ready to start.
SUBMIT = """
from django.utils import timezone
from applications.models import ApplicationVersion
from deployments import drafting, submitting
now = timezone.now()
for each in rollouts:
    application, version, profile, parameters = each["content"]
    found = ApplicationVersion.objects.get(application__app_id=application, version=version)
    draft = drafting.create(version=found, profile_id=profile, name=each["name"],
        actor=None, now=now, targeting={"labels": each["labels"]})
    drafting.set_parameters(draft, parameters, actor=None, now=now)
    drafting.set_rollout(draft, each["strategy"], actor=None, now=now)
    submitting.submit(draft, actor=None, now=now)
"""


def submit(running: Portal, rollouts: Sequence[Rollout]) -> None:
    """Make every deployment of the table, ready to be started."""
    table = json.dumps([asdict(each) for each in rollouts], default=sorted)
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
