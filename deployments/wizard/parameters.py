"""Step 3: the package's own settings as a form."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from applications.parameters import SectionFields, fields
from deployments import drafting
from deployments.asking import edits_shown, person
from deployments.drafting import ParameterError
from deployments.forms import ParameterForm, focus_first_wrong
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.wizard import steps


def step(request: HttpRequest, draft: Deployment) -> HttpResponse:
    """The form for the chosen profile; one without settings says so and goes on."""
    sections = settings_of(draft)
    if request.method != "POST":
        return _show(request, draft, ParameterForm(sections, draft.parameters))
    form = ParameterForm(sections, draft.parameters, request.POST)
    if not form.is_valid():
        return _show(request, draft, form, failed=True)
    try:
        drafting.set_parameters(
            draft,
            form.given(),
            actor=person(request),
            now=timezone.now(),
            edits=edits_shown(request),
        )
    except ParameterError as error:
        form.take_problems(error.problems)
        return _show(request, draft, form, failed=True)
    except MoveRefusedError as refusal:
        form.add_error(None, str(refusal))
        return _show(request, draft, form, failed=True)
    return steps.leave(request, draft, drafting.PARAMETERS)


def settings_of(draft: Deployment) -> list[SectionFields]:
    """The settings that matter for the draft's profile."""
    version = draft.version
    profile = version.profile(draft.profile_id) or {}
    return fields(version.sections, version.schemas, version.parameters, profile)


def _show(
    request: HttpRequest, draft: Deployment, form: ParameterForm, *, failed: bool = False
) -> HttpResponse:
    if failed:
        focus_first_wrong(form)
    return steps.show(request, draft, drafting.PARAMETERS, {"form": form}, failed=failed)
