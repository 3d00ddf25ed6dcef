"""What the tests of the wizard say to it: its addresses, and drafts on their way through it."""

from django.urls import reverse

from applications.models import ApplicationVersion
from deployments.models import Deployment
from tests.deployments import plant

NEW = "/deployments/deployment/new/"


def step_url(draft: Deployment, number: int) -> str:
    """Where a step is."""
    return reverse("admin:deployments_deployment_step", args=[draft.pk, number])


def page_url(draft: Deployment) -> str:
    """Where the deployment's own page is."""
    return reverse("admin:deployments_deployment_page", args=[draft.pk])


def choice(version: ApplicationVersion) -> str:
    """What the first step posts for a version."""
    return f"{version.pk}:compose"


def draft_at(number: int, devices=(), version=None) -> Deployment:
    """A draft that has reached this step."""
    draft = plant.a_draft(list(devices), version)
    Deployment.objects.filter(pk=draft.pk).update(wizard_step=number)
    draft.refresh_from_db()
    return draft


def stored(draft: Deployment) -> Deployment:
    """The draft as it is kept now."""
    draft.refresh_from_db()
    return draft


def text_of(page) -> str:
    """The page with each run of white space as one space."""
    return " ".join(page.content.decode().split())
