"""Deployments in the admin: pages of our own inside its frame, and no model form."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path

from deployments import (
    actions,
    following,
    history_page,
    listing,
    one_device_page,
    rules,
    views,
    wizard,
)
from deployments.models import ApprovalRule, Deployment, Event

admin.site.register(ApprovalRule, rules.RuleAdmin)


@admin.register(Deployment)
class DeploymentAdmin(admin.ModelAdmin[Deployment]):
    """Gives deployments their addresses; nothing of the stock forms is reachable."""

    def get_urls(self) -> list[URLPattern]:
        """All addresses, each behind the site's own sign-in."""
        guard = self.admin_site.admin_view
        name = "deployments_deployment"
        return [
            path("", guard(listing.deployments), name=f"{name}_changelist"),
            path("live.json", guard(following.live), name=f"{name}_lines"),
            path("add/", guard(wizard.new), name=f"{name}_add"),
            path("new/", guard(wizard.new), name=f"{name}_new"),
            path("<int:pk>/change/", guard(views.page), name=f"{name}_change"),
            path("<int:pk>/change/", guard(views.page), name=f"{name}_page"),
            path("<int:pk>/live.json", guard(views.live_frame), name=f"{name}_live"),
            path("<int:pk>/devices.csv", guard(views.export), name=f"{name}_export"),
            path("<int:pk>/compare/", guard(views.compare), name=f"{name}_compare"),
            path("<int:pk>/do/<str:action>/", guard(actions.act), name=f"{name}_action"),
            path("<int:pk>/step/<int:step>/", guard(wizard.step), name=f"{name}_step"),
            path("<int:pk>/again/", guard(wizard.again), name=f"{name}_again"),
            path(
                "workload/<int:pk>/roll-back/",
                guard(one_device_page.roll_back),
                name=f"{name}_one_device",
            ),
            path("<int:pk>/fit.json", guard(wizard.fit), name=f"{name}_fit"),
        ]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may see deployments sees them in the menu."""
        return request.user.has_perm("deployments.view_deployment")


@admin.register(Event)
class HistoryAdmin(admin.ModelAdmin[Event]):
    """Gives the history its two addresses; there is none at which it could be changed."""

    def get_urls(self) -> list[URLPattern]:
        """The page and the file, behind the site's own sign-in."""
        guard = self.admin_site.admin_view
        name = "deployments_event"
        return [
            path("", guard(history_page.page), name=f"{name}_changelist"),
            path("history.csv", guard(history_page.as_file), name=f"{name}_file"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: it is written with what happens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        """Nobody."""
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may see the admin's log sees all of the history."""
        return request.user.has_perm(history_page.PERMISSION)
