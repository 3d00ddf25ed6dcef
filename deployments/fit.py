"""Whether a device can run a deployment profile, and if not, why not, in sentences with numbers."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from deployments.eligibility import unmet

Json = Mapping[str, object]

TYPES = {"compose": "Compose", "helm": "Helm"}
UNITS = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
QUANTITY = re.compile(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*(Ki|Mi|Gi|Ti|Pi|Ei)\s*", re.ASCII)


def why_not(profile: Json, properties: Json | None, labels: Json) -> list[str]:
    """The reasons why a device cannot run a profile; none means that it fits.

    `properties` and `labels` are what the device itself reported last, never what an operator
    assigned; `properties` is None before the first report. A profile that the portal found unusable
    at import carries the sentence in `problem`. Eligibility is asked only where the capacity
    suffices, as the standard wants it (Margo: application description, device constraints).
    """
    if profile.get("problem"):
        return [str(profile["problem"])]
    if properties is None:
        return ["has not reported its capabilities yet"]
    reasons = _type_reasons(profile, properties) + _capacity_reasons(profile, properties)
    if reasons:
        return reasons
    return unmet(_constraints(profile).get("eligibilityRules"), properties, labels)


def in_bytes(quantity: object) -> int | None:
    """The bytes in "4Gi", or "59 Gi" as some devices write it; None for what is no quantity."""
    match = QUANTITY.fullmatch(quantity) if isinstance(quantity, str) else None
    if match is None:
        return None
    return int(Decimal(match[1]) * 1024 ** (UNITS.index(match[2]) + 1))


def _type_reasons(profile: Json, properties: Json) -> list[str]:
    supported = _texts(properties.get("supportedDeploymentTypes"))
    if not supported:
        return ["does not run workloads itself"]
    if profile.get("type") not in supported:
        has = " and ".join(_type_words(one) for one in supported)
        return [f"has only {has}, and this needs {_type_words(profile.get('type'))}"]
    return []


def _type_words(kind: object) -> str:
    """A deployment type as people write it; one that the standard does not know stays as it is."""
    return TYPES.get(str(kind), str(kind))


def _capacity_reasons(profile: Json, properties: Json) -> list[str]:
    needs = _mapping(_constraints(profile).get("capacityRequirements"))
    amounts = [
        _amount_reason(resource, needs.get(resource), properties.get(resource))
        for resource in ("memory", "storage")
    ]
    reasons = [_cpu_reason(_mapping(needs.get("cpu")), properties.get("cpus")), *amounts]
    return [reason for reason in reasons if reason]


def _cpu_reason(need: Json, reported: object) -> str | None:
    """One processor alone must suffice: cores of several are never added up."""
    cores, architectures = _number(need.get("cores")), _texts(need.get("architectures"))
    cpus = [_mapping(cpu) for cpu in reported] if isinstance(reported, list) else []
    if not need or any(_suffices(cpu, cores, architectures) for cpu in cpus):
        return None
    wanted = _cores(cores) + (f" of {' or '.join(architectures)}" if architectures else "")
    if not cpus:
        return f"needs {wanted}, the device reports no processor"
    found = " and ".join(_processor(cpu) for cpu in cpus)
    return f"needs {wanted} in one processor, the device reports {found}"


def _suffices(cpu: Json, cores: float, architectures: Sequence[str]) -> bool:
    if _number(cpu.get("cores")) < cores:
        return False
    return not architectures or cpu.get("architecture") in architectures


def _processor(cpu: Json) -> str:
    architecture = cpu.get("architecture")
    cores = _cores(_number(cpu.get("cores")))
    return f"{cores} of {architecture}" if architecture else f"{cores} of unknown architecture"


def _cores(count: float) -> str:
    return "1 core" if count == 1 else f"{count:g} cores"


def _amount_reason(resource: str, need: object, reported: object) -> str | None:
    if need is None:
        return None
    needed, present = in_bytes(need), in_bytes(reported)
    if needed is not None and present is not None and present >= needed:
        return None
    found = "nothing about it" if reported is None else _amount(reported)
    return f"needs {_amount(need)} of {resource}, the device reports {found}"


def _amount(quantity: object) -> str:
    match = QUANTITY.fullmatch(quantity) if isinstance(quantity, str) else None
    return f"{match[1]} {match[2]}B" if match else f"“{quantity}”"


def _constraints(profile: Json) -> Json:
    return _mapping(profile.get("deviceConstraints"))


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _number(value: object) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
