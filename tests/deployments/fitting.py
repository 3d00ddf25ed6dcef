"""A device, and the words in which a profile says what it needs."""

from deployments.fit import why_not

Json = dict[str, object]

DEVICE: Json = {
    "id": "press-4",
    "vendor": "Acme",
    "serialNumber": "0042",
    "cpus": [{"cores": 2, "architecture": "arm64"}, {"cores": 4, "architecture": "amd64"}],
    "memory": "2Gi",
    "storage": "59 Gi",
    "peripherals": [
        {"type": "gpu", "manufacturer": "Acme"},
        {"type": "camera", "manufacturer": "NVIDIA"},
    ],
    "interfaces": [{"type": "ethernet"}],
    "otelCollector": True,
    "supportedRuntimes": ["oci"],
    "supportedDeploymentTypes": ["compose", "custom"],
}
LABELS: Json = {"site": "Bruges", "line": 4, "critical": True, "zones": ["a", "b"], "rack": "12"}


def profile(**constraints: object) -> Json:
    """A profile with these device constraints."""
    return {"id": "p", "type": "compose", "deviceConstraints": constraints, "problem": None}


def needing(**capacity: object) -> Json:
    """A profile that needs this capacity."""
    return profile(capacityRequirements=capacity)


def rule(*expressions: Json, selector: str = "propertySelector") -> Json:
    """A rule whose expressions must all hold."""
    return {selector: {"matchExpressions": list(expressions)}}


def asking(key: object, operator: str, *values: object) -> Json:
    """An expression over one value."""
    expression: Json = {"key": key, "operator": operator}
    return expression | ({"values": list(values)} if values else {})


def item(key: str, operator: str, *expressions: Json) -> Json:
    """An expression over the items of a list."""
    return {
        "key": key,
        "operator": operator,
        "itemSelector": {"matchExpressions": list(expressions)},
    }


def fits(*rules: Json) -> bool:
    """Whether the device meets one of these rules."""
    return why_not(profile(eligibilityRules=list(rules)), DEVICE, LABELS) == []
