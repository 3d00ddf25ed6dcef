"""What every answer of the portal has in common."""

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
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
