"""What every page below a deployment's own begins with."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from deployments.models import Deployment


def frame(request: HttpRequest, deployment: Deployment, title: str) -> dict[str, object]:
    """Its title, the way back, and the deployment that it is about."""
    page = reverse("admin:deployments_deployment_page", args=[deployment.pk])
    return {
        **admin.site.each_context(request),
        "title": title,
        "crumbs": [
            ("Deployments", reverse("admin:deployments_deployment_changelist")),
            (deployment.name, page),
        ],
        "deployment": deployment,
        "page_url": page,
    }
