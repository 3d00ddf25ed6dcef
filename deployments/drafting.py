"""The draft that the wizard fills, one verb for each of its steps.

A verb takes the `edits` of the draft that its answer was given to, and refuses with
MoveRefusedError when the draft has moved on since; None stands for a draft that was read just now.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.models import User
from applications.models import ApplicationVersion
from deployments import approval, content, naming, strategy
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.states import Stage
from deployments.strategy import StrategyError
from deployments.targeting import chosen
from devices import selectors
from devices.selectors import SelectorError

#: The wizard's steps, as `wizard_step` counts them.
APPLICATION, DEVICES, PARAMETERS, ROLLOUT, REVIEW = 1, 2, 3, 4, 5


class ParameterError(Exception):
    """Some parameters cannot be used; `problems` has a sentence for each."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        """Keeps the problems by parameter."""
        self.problems = dict(problems)
        super().__init__("; ".join(f"{name} {text}" for name, text in self.problems.items()))


def create(
    *,
    version: ApplicationVersion,
    profile_id: str,
    name: str,
    actor: User | None,
    now: datetime,
    targeting: Mapping[str, object] | None = None,
) -> Deployment:
    """A new draft for a version's profile; raises MoveRefusedError for one that cannot be used."""
    _refuse_version(version, profile_id)
    return Deployment.objects.create(
        name=name.strip() or naming.free(str(version)),
        version=version,
        profile_id=profile_id,
        strategy=dict(strategy.DEFAULTS),
        targeting=dict(targeting or {}),
        created_by=actor,
        authors=approval.with_author([], actor),
        created_at=now,
        updated_at=now,
        wizard_step=DEVICES,
    )


def again(deployment: Deployment, *, actor: User | None, now: datetime) -> Deployment:
    """A new draft of what a deployment did, to be looked at before it is started.

    The same version, devices as they were chosen, parameters and rollout; secrets go along unseen.
    Raises MoveRefusedError where the version cannot be used any more.
    """
    with transaction.atomic():
        draft = create(
            version=deployment.version,
            profile_id=deployment.profile_id,
            name=naming.free(deployment.name),
            actor=actor,
            now=now,
            targeting=deployment.targeting,
        )
        draft.parameters, draft.strategy = deployment.parameters, deployment.strategy
        draft.wizard_step = REVIEW
        draft.save(update_fields=["parameters", "strategy", "wizard_step"])
    return draft


def choose_application(
    draft: Deployment,
    *,
    version: ApplicationVersion,
    profile_id: str,
    name: str,
    actor: User | None,
    now: datetime,
    edits: int | None = None,
) -> None:
    """Step 1 once more; given parameters are kept as far as the new version has them."""
    refuse_outdated(draft, edits)
    _refuse_version(version, profile_id)
    kept = {key: value for key, value in draft.parameters.items() if key in version.parameters}
    _save(
        draft,
        now,
        actor,
        APPLICATION,
        version=version,
        profile_id=profile_id,
        name=name.strip() or draft.name,
        parameters=kept,
    )


def choose_devices(
    draft: Deployment,
    targeting: Mapping[str, object],
    *,
    actor: User | None,
    now: datetime,
    edits: int | None = None,
) -> None:
    """Step 2; raises devices.selectors.SelectorError for an expression that cannot be read."""
    refuse_outdated(draft, edits)
    chosen(targeting)
    _save(draft, now, actor, DEVICES, targeting=dict(targeting))


def set_parameters(
    draft: Deployment,
    given: Mapping[str, object],
    *,
    actor: User | None,
    now: datetime,
    edits: int | None = None,
) -> None:
    """Step 3; raises ParameterError with a sentence for each value that cannot be used."""
    refuse_outdated(draft, edits)
    targets = chosen(draft.targeting)
    resolution = content.resolved(draft.version, draft.profile_id, given, targets)
    if resolution.problems:
        raise ParameterError(resolution.problems)
    _save(draft, now, actor, PARAMETERS, parameters=dict(given))


def set_rollout(
    draft: Deployment,
    given: Mapping[str, object],
    *,
    actor: User | None,
    now: datetime,
    edits: int | None = None,
) -> None:
    """Step 4; raises deployments.strategy.StrategyError with a sentence for each field."""
    refuse_outdated(draft, edits)
    checked = strategy.checked(given)
    try:
        selectors.parse(strategy.canary_labels(checked))
    except SelectorError as error:
        raise StrategyError({"canary_labels": f"cannot be read: {error}"}) from None
    _save(draft, now, actor, ROLLOUT, strategy=checked)


def refuse_outdated(draft: Deployment, edits: int | None) -> None:
    """Raises MoveRefusedError when the draft was edited since it was shown with `edits`."""
    if edits not in (None, draft.edits):
        raise MoveRefusedError(_changed_elsewhere(draft))


def _refuse_version(version: ApplicationVersion, profile_id: str) -> None:
    if version.state == ApplicationVersion.State.DEPRECATED:
        raise MoveRefusedError(f"{version} is deprecated: choose another version.")
    profile = version.profile(profile_id)
    if profile is None:
        raise MoveRefusedError(f"{version} has no profile {profile_id}.")
    if problem := profile.get("problem"):
        raise MoveRefusedError(str(problem))


def _save(
    draft: Deployment, now: datetime, actor: User | None, step: int, **values: object
) -> None:
    """Writes what a step set; the next step becomes reachable, and `actor` one of the authors.

    Guarded like every move: a draft that was submitted in another window must not change.
    """
    reached = max(draft.wizard_step, min(step + 1, REVIEW))
    changes = {
        **values,
        "authors": approval.with_author(draft.authors, actor),
        "updated_at": now,
        "wizard_step": reached,
        "edits": draft.edits + 1,
    }
    drafts = Deployment.objects.listed().filter(stage=Stage.DRAFT)
    same = drafts.filter(pk=draft.pk, edits=draft.edits)
    if same.update(**changes) != 1:
        raise MoveRefusedError(_changed_elsewhere(draft))
    for name, value in changes.items():
        setattr(draft, name, value)


def _changed_elsewhere(draft: Deployment) -> str:
    return f"{draft.name} was changed in another window: reload the page to see it."
