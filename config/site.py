"""The portal's admin site: who gets in, and in which words."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest


class PortalSite(AdminSite):
    """The Django admin as the portal's frame."""

    site_title = "Lineside"
    site_header = "Lineside"
    index_title = "Overview"
    site_url = None

    def has_permission(self, request: HttpRequest) -> bool:
        """Everybody with a role gets in; what they see there follows from their permissions."""
        return request.user.is_active and request.user.has_perm("accounts.use_portal")
