"""The portal's admin site: who gets in, in which words, with which menu."""

from typing import NoReturn

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone

from accounts import profile
from accounts.forms import SignInForm
from accounts.welcome import Welcome
from config import menu


class PortalSite(AdminSite):
    """The Django admin as the portal's frame."""

    site_title = "Lineside"
    site_header = "Lineside"
    index_title = "Overview"
    site_url = None
    login_form = SignInForm
    empty_value_display = "–"

    def has_permission(self, request: HttpRequest) -> bool:
        """Everybody with a role gets in; what they see there follows from their permissions."""
        return request.user.is_active and request.user.has_perm("accounts.use_portal")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The pages about oneself, before those of the apps; the welcome is open to all."""
        return [
            path("profile/", self.admin_view(profile.page), name="profile"),
            path("profile/theme/", self.admin_view(profile.theme), name="profile_theme"),
            path("welcome/<str:uidb64>/<str:token>/", Welcome.as_view(), name="welcome"),
            *super().get_urls(),
        ]

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, object] | None = None
    ) -> NoReturn:
        """There are no pages per app: operators know no apps."""
        raise Http404

    def each_context(self, request: HttpRequest) -> dict[str, object]:
        """What the frame shows on every page: the menu, and when the page was made."""
        return {
            **super().each_context(request),
            "menu": menu.entries(request) if self.has_permission(request) else [],
            "now": timezone.now(),
        }
