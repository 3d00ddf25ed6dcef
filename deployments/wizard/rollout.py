"""Step 4: by which strategy, and what is allowed to go wrong."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from deployments import drafting, phrases, strategy, targeting
from deployments.asking import edits_shown, person
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.rollout_form import RolloutForm
from deployments.states import RETRIED
from deployments.strategy import StrategyError
from deployments.wizard import steps


def step(request: HttpRequest, draft: Deployment) -> HttpResponse:
    """The strategy, with the rest folded away: its defaults suit most rollouts."""
    if request.method != "POST":
        return _show(request, draft, RolloutForm(_to_begin_with(draft)))
    form = RolloutForm(draft.strategy, request.POST)
    if not form.is_valid():
        return _show(request, draft, form, failed=True)
    try:
        drafting.set_rollout(
            draft,
            form.given,
            actor=person(request),
            now=timezone.now(),
            edits=edits_shown(request),
        )
    except StrategyError as error:
        form.take_problems(error.problems)
        return _show(request, draft, form, failed=True)
    except MoveRefusedError as refusal:
        form.add_error(None, str(refusal))
        return _show(request, draft, form, failed=True)
    return steps.leave(request, draft, drafting.ROLLOUT)


def _to_begin_with(draft: Deployment) -> Mapping[str, object]:
    """What the form shows: what was chosen, else a canary where several devices get it."""
    stored: Mapping[str, object] = draft.strategy
    chosen = draft.wizard_step > drafting.ROLLOUT or stored != strategy.DEFAULTS
    if chosen or targeting.chosen(draft.targeting)[:2].count() < 2:
        return stored
    return strategy.SUGGESTED


def _show(
    request: HttpRequest, draft: Deployment, form: RolloutForm, *, failed: bool = False
) -> HttpResponse:
    strategies = [(kind, words, strategy.SENTENCES[kind]) for kind, words in strategy.WORDS.items()]
    context = {
        "form": form,
        "strategies": strategies,
        "retries": [form[f"retry_{kind}"] for kind in RETRIED],
        "limits": phrases.limits(draft.strategy),
    }
    return steps.show(request, draft, drafting.ROLLOUT, context, failed=failed)
