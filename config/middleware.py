"""What every answer of the portal has in common."""

import logging

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from accounts.zones import zone_of

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 10
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


class DatabaseAwayMiddleware(MiddlewareMixin):
    """Tells a person that the database is busy, full or away, and when to try again: a 503.

    The page is made without the database: no session, nobody's name.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answers what the database could not do now; everything else is a mistake of ours."""
        if not isinstance(exception, (OperationalError, InterfaceError)):
            return None
        logger.error("%s %s found no database", request.method, request.path, exc_info=exception)
        return HttpResponse(
            render_to_string("503.html"),
            status=503,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS), "Cache-Control": "no-store"},
        )


class WholeStaticFilesMiddleware(MiddlewareMixin):
    """Sends a static file in one piece.

    Our files are small; streamed by a plain iterator, as the static file middleware does, each of
    its blocks would cost an asynchronous server a detour through a thread.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Replaces the stream of a static file by its content."""
        if not isinstance(response, FileResponse):
            return response
        if not request.path.startswith(settings.STATIC_URL):
            return response
        whole = HttpResponse(response.getvalue(), status=response.status_code)
        whole.headers = response.headers
        # The file alone: closing the answer would tell Django that the request is over.
        if response.file_to_stream is not None:
            response.file_to_stream.close()
        return whole


class TimeZoneMiddleware(MiddlewareMixin):
    """Shows and reads every time in the zone of the person who asks."""

    def process_request(self, request: HttpRequest) -> None:
        """Takes the person's zone for this request; the portal's own without one."""
        try:
            zone = zone_of(request.user)
        except (InterfaceError, OperationalError):
            # The view finds no database either, and is answered with the page that says so.
            zone = None
        if zone is None:
            timezone.deactivate()
        else:
            timezone.activate(zone)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Leaves the zone; the thread that answered takes the next request."""
        timezone.deactivate()
        return response
