"""The page on which a deployment gets the time at which it starts by itself, or loses it."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from deployments import below, moves
from deployments.asking import person, plan_shown
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.moves.door import target_of
from deployments.states import Action, Stage

#: What a datetime-local field writes and reads.
LOCAL = "%Y-%m-%dT%H:%M"


class ScheduleForm(forms.Form):
    """A time in the zone of whoever sets it."""

    at = forms.DateTimeField(
        label="Start at",
        error_messages={"required": "Choose a day and a time."},
        help_text="In your time zone.",
        widget=forms.DateTimeInput(format=LOCAL, attrs={"type": "datetime-local"}),
    )


def schedule(request: HttpRequest, deployment: Deployment) -> HttpResponse:
    """GET shows the form; POST sets the time or takes it back. Raises MoveRefusedError."""
    target_of(deployment, Action.SCHEDULE)
    if request.method != "POST":
        return _show(request, deployment, ScheduleForm(initial={"at": deployment.start_at}))
    if plan_shown(request) not in (None, deployment.plan_digest):
        raise MoveRefusedError(f"{deployment.name} was changed since it was shown: look again.")
    if "take_back" in request.POST:
        return _set(request, deployment, None)
    form = ScheduleForm(request.POST)
    if form.is_valid():
        try:
            return _set(request, deployment, form.cleaned_data["at"])
        except MoveRefusedError as refusal:
            form.add_error("at", str(refusal))
    return _show(request, deployment, form)


def _set(request: HttpRequest, deployment: Deployment, at: datetime | None) -> HttpResponse:
    moves.schedule(deployment, at, actor=person(request), now=timezone.now())
    said = "starts by itself at the time that was set" if at else "does not start by itself"
    messages.success(request, f"{deployment.name} {said}.")
    return redirect("admin:deployments_deployment_page", deployment.pk)


def _show(request: HttpRequest, deployment: Deployment, form: ScheduleForm) -> HttpResponse:
    context = {
        **below.frame(request, deployment, f"When to start {deployment.name}"),
        "form": form,
        "zone": timezone.get_current_timezone_name(),
        # In the zone of the field beside it, whatever zone the browser is in.
        "now_words": timezone.localtime().strftime("%-d %b %Y, %H:%M"),
        "unapproved": deployment.stage == Stage.AWAITING_APPROVAL,
    }
    return render(request, "deployments/schedule.html", context)
