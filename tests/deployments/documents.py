"""A document to write, and the schemas that documents obey."""

import yaml
from jsonschema import Draft202012Validator

from deployments.document import application_deployment
from tests.shared import SHARED

Json = dict[str, object]

UID = "0b0b6dd4-6d64-4a3f-8b0a-3a3f4f0c2f10"
OTHER_UID = "5c1f8a52-2a44-4d0e-9a1c-7f3e1b2d4c6a"
PROFILE: Json = {
    "id": "on-docker",
    "type": "compose",
    "description": "Not for devices",
    "components": [
        {
            "name": "broker",
            "properties": {
                "timeout": "8m30s",
                "wait": False,
                "revision": "2.0.18_build.7",
                "repository": "oci://registry.example.org/compose/broker",
            },
            "extensions": {"x-acme-extensions": {"tier": "edge", "since": 1e20}},
        },
        {
            "name": "ui",
            "properties": {"repository": "oci://r.example.org/ui", "revision": "1.0.0"},
            "extensions": {},
        },
    ],
    "deviceConstraints": {
        "capacityRequirements": {"memory": "512Mi", "cpu": {"cores": 0.5}},
        "eligibilityRules": [
            {
                "labelSelector": {
                    "matchExpressions": [{"key": "on", "operator": "In", "values": ["no"]}]
                }
            }
        ],
    },
    "extensions": {"x-acme-extensions": {"ring": 2}, "license": "not an extension"},
    "problem": None,
}
PARAMETERS: dict[str, Json] = {
    "port": {"targets": [{"components": ["broker"], "pointer": "PORT"}], "value": 1883},
    "mode": {"value": "on", "targets": [{"pointer": "MODE", "components": ["broker", "ui"]}]},
}
NOT_TEXT = ["1e3", "0o17", "on", "12:30", "null", "~", "0x1F", "1_000", "", " ", "2026-11-23", "y"]


def document(**changes: object) -> bytes:
    """The document of a device behind a gateway, with these arguments in place of its own."""
    arguments: Json = {
        "uid": UID,
        "name": "mosquitto-press-4",
        "namespace": "mosquitto",
        "device_path": "gateway-1/press-4",
        "application_id": "mosquitto",
        "profile": PROFILE,
        "parameters": PARAMETERS,
    }
    return application_deployment(**(arguments | changes))


PLAIN_TEXT: Json = {"type": "string", "minLength": 1}
EXTENSIONS: Json = {"^x-[a-z][a-z0-9-]*-extensions$": {"type": "object"}}


def exactly(required: Json, optional: Json | None = None, **more: object) -> Json:
    """An object with these members and, apart from vendor extensions, no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


COMPONENT = exactly(
    {
        "name": PLAIN_TEXT,
        "properties": exactly(
            {
                "repository": {"type": "string", "pattern": "^oci://."},
                "revision": {"type": "string", "pattern": r"^\d+\.\d+\.\d+([-_][0-9A-Za-z.-]+)*$"},
            },
            {"wait": {"type": "boolean"}, "timeout": {"type": "string"}},
        ),
    },
    patternProperties=EXTENSIONS,
)
PARAMETER = exactly(
    {
        "value": {},
        "targets": {
            "type": "array",
            "items": exactly(
                {"pointer": PLAIN_TEXT, "components": {"type": "array", "items": PLAIN_TEXT}}
            ),
        },
    }
)
OUR_SCHEMA = exactly(
    {
        "id": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        "metadata": exactly(
            {
                "name": PLAIN_TEXT,
                "namespace": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"},
                "deviceId": {
                    "type": "string",
                    "pattern": r"^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*(/\*)?$",
                },
            },
            {"labels": {"type": "object", "additionalProperties": PLAIN_TEXT}},
        ),
        "spec": exactly(
            {
                "applicationId": {"type": "string", "pattern": "^[a-z0-9-]{1,200}$"},
                "deploymentProfile": exactly(
                    {
                        "type": {"enum": ["helm", "compose", "custom"]},
                        "components": {"type": "array", "items": COMPONENT, "minItems": 1},
                    },
                    {"deviceConstraints": {"type": "object"}},
                    patternProperties=EXTENSIONS,
                ),
                "parameters": {"type": "object", "additionalProperties": PARAMETER},
            },
            patternProperties=EXTENSIONS,
        ),
    }
)


def published_schema(name: str) -> Draft202012Validator:
    """One schema of the published interface, without the three mistakes that it is known to have.

    It requires annotations that it does not define, knows no custom profiles although the text
    does, and writes names of nested members with dots.
    """
    path = SHARED / "margo/openapi/workload-management-api-1.0.0-rc.3.yaml"
    api = yaml.safe_load(path.read_text())
    schemas = api["components"]["schemas"]
    schemas["appDeploymentMetadata"]["required"].remove("annotations")
    schemas["appDeploymentProfile"]["properties"]["type"]["enum"].append("custom")
    required = schemas["UnsignedAppStateManifest"]["required"]
    required[:] = [member for member in required if "." not in member]
    return Draft202012Validator(api | {"$ref": f"#/components/schemas/{name}"})
