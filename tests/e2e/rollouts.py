"""The deployments that a crash test rolls out, as a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from tests.e2e.running import Portal


@dataclass(frozen=True)
class Rollout:
    """One deployment: of which version, to whom, after which other one, and how it must end.

    `fails` says that devices fail in it. It is started when `after` has ended.
    """

    name: str
    application: str
    version: str
    profile: str
    labels: str
    after: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    strategy: Mapping[str, object] = field(default_factory=dict)
    stage: str = "completed"
    status: str = "installed"
    fails: bool = False


#: For `manage.py shell -c`, with the table in `rollouts`: makes every deployment ready to start.
SUBMIT = """
from django.utils import timezone
from applications.models import ApplicationVersion
from deployments import drafting, submitting
now = timezone.now()
for each in rollouts:
    version = ApplicationVersion.objects.get(
        application__app_id=each["application"], version=each["version"])
    draft = drafting.create(version=version, profile_id=each["profile"], name=each["name"],
        actor=None, now=now, targeting={"labels": each["labels"]})
    drafting.set_parameters(draft, each["parameters"], actor=None, now=now)
    drafting.set_rollout(draft, each["strategy"], actor=None, now=now)
    submitting.submit(draft, actor=None, now=now)
"""


def submit(running: Portal, rollouts: Sequence[Rollout]) -> None:
    """Make every deployment of the table, ready to be started."""
    table = json.dumps([asdict(each) for each in rollouts])
    running.manage("shell", "-c", f"import json; rollouts = json.loads({table!r})\n{SUBMIT}")
