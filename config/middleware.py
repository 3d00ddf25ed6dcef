"""Headers that every page of the portal carries."""

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


class ContentSecurityPolicyMiddleware(MiddlewareMixin):
    """Allows a page what comes from this host and nothing else: no inline script, no style."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Adds the header unless the view has set one of its own."""
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response
