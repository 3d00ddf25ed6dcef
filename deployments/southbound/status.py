"""Devices report how a deployment fares (Margo: deployment status)."""

from http import HTTPStatus

from django.conf import settings

from deployments import reports
from deployments.southbound.status_document import read
from devices.southbound.bodies import mended_object
from devices.southbound.http import Answer, Request
from devices.southbound.problems import FieldError, Kind, ProblemError
from devices.southbound.routing import Route

_MOST_ERRORS = 50


def report(request: Request) -> Answer:
    """POST /api/v1/deployments/{deploymentId}/status: 200, also for what is history only.

    The record exists from the moment of assignment, so every report is an update. An unknown
    deployment, and one of another client, is answered as the setting says: 404 by default.
    """
    document = mended_object(request.body)
    uid = request.params["deploymentId"]
    told, faults = read(document, uid)
    if told is None or faults:
        raise ProblemError(
            Kind.SEMANTIC_ERROR,
            "The status report breaks rules of the standard.",
            errors=faults[:_MOST_ERRORS],
        )
    try:
        reports.receive(request.client, uid, told, now=request.now)
    except reports.UnknownDeploymentError as refusal:
        return _unknown(str(refusal))
    except reports.WrongDeviceError as refusal:
        errors = [FieldError("deviceId", str(refusal))]
        raise ProblemError(
            Kind.SEMANTIC_ERROR, "The report names another device.", errors=errors
        ) from refusal
    return Answer(200)


def _unknown(detail: str) -> Answer:
    choice = HTTPStatus(settings.MARGO_UNKNOWN_STATUS_ANSWER)
    if choice is HTTPStatus.OK:
        return Answer(200)
    if choice is HTTPStatus.UNPROCESSABLE_ENTITY:
        raise ProblemError(
            Kind.SEMANTIC_ERROR, detail, errors=[FieldError("deploymentId", "is not known")]
        )
    raise ProblemError(404, detail)


ROUTES = [Route("POST", "/api/v1/deployments/{deploymentId}/status", report)]
