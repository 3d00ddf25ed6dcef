"""Devices tell what they are: PUT and DELETE of a capabilities document."""

from django.conf import settings

from devices import registry
from devices.southbound.bodies import json_object
from devices.southbound.capability_document import (
    faults,
    is_device_id,
    missing_labels,
    with_custom_types,
)
from devices.southbound.http import Answer, Request
from devices.southbound.problems import FieldError, Kind, ProblemError
from devices.southbound.routing import Route

_PATTERN = "/api/v1/capabilities/{deviceId:path}"
_MOST_ERRORS = 50


def put(request: Request) -> Answer:
    """Store the whole document of a device: 201 when it is new, 200 when it was known.

    Margo: device capabilities. Nothing is stored of a document with a single fault.
    """
    path = _device_id(request)
    document, text = json_object(request.body)
    known = with_custom_types(document) if _custom_for_unknown() else document
    # Asked of the document as it came: a word we read as custom obliges the device to nothing.
    errors = faults(known, path) + missing_labels(document)
    if errors:
        raise ProblemError(
            Kind.SEMANTIC_ERROR,
            "The capabilities document breaks rules of the standard.",
            errors=errors[:_MOST_ERRORS],
        )
    try:
        created = registry.report(request.client, path, known, text, request.now)
    except registry.GatewayUnknownError as refusal:
        raise ProblemError(Kind.GATEWAY_NOT_FOUND, str(refusal)) from refusal
    return Answer(201 if created else 200)


def delete(request: Request) -> Answer:
    """Take a device and its children off the fleet: 204."""
    path = _device_id(request)
    try:
        registry.remove(request.client, path, request.now)
    except registry.DeviceUnknownError as refusal:
        raise ProblemError(Kind.DEVICE_NOT_FOUND, str(refusal)) from refusal
    return Answer(204)


def _device_id(request: Request) -> str:
    path = request.params["deviceId"]
    if not is_device_id(path):
        raise ProblemError(
            Kind.SEMANTIC_ERROR,
            "The path holds no device id.",
            errors=[
                FieldError("deviceId", "must be segments of letters, digits, '.', '_', '~', '-'")
            ],
        )
    return path


def _custom_for_unknown() -> bool:
    choice: str = settings.MARGO_UNKNOWN_DEPLOYMENT_TYPE
    return choice == "custom"


ROUTES = [Route("PUT", _PATTERN, put), Route("DELETE", _PATTERN, delete)]
