"""What a profile asks of a device, checked for its form and kept in the author's words."""

import re
from typing import TypeGuard

from applications.package.fields import Fields, rule
from applications.package.tree import Json

ARCHITECTURES = ("amd64", "arm64", "arm", "riscv64", "other")
OLDER_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
# A space before the unit is accepted, since the specification's own examples have one.
MEMORY = rule(r"[0-9]+ ?(Ki|Mi|Gi)", "must be a whole number with Ki, Mi or Gi, such as 512Mi.")
STORAGE = rule(
    r"[0-9]+ ?(Ki|Mi|Gi|Ti|Pi|Ei)", "must be a whole number with Ki, Mi, Gi, Ti, Pi or Ei."
)
POINTER = re.compile(r"(/([^/~]|~[01])*)+")
NUMERIC = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)

WITH_VALUES = ("In", "NotIn", "Gt", "Lt")
WITH_ITEMS = ("ContainsAll", "ContainsAny")
OPERATORS = (*WITH_VALUES, "Exists", "DoesNotExist", *WITH_ITEMS)


def read_constraints(profile: Fields) -> dict[str, Json] | None:
    """The profile's `deviceConstraints`, None when it has none.

    A constraint that is not understood is an error also in an older package: ignoring it would
    place a workload where its author says that it must not run.
    """
    constraints = profile.map("deviceConstraints")
    if constraints is None:
        return None
    read: dict[str, Json] = {}
    capacity = constraints.map("capacityRequirements")
    if capacity is not None:
        read["capacityRequirements"] = _read_capacity(capacity)
    if constraints.has("eligibilityRules"):
        rules = constraints.maps("eligibilityRules")
        read["eligibilityRules"] = [_read_rule(one) for one in rules]
    return {**read, **constraints.unknown(kept=True)}


def _read_capacity(capacity: Fields) -> dict[str, Json]:
    read: dict[str, Json] = {}
    cpu = capacity.map("cpu")
    if cpu is not None:
        read["cpu"] = _read_cpu(cpu)
    return {**read, **_read_quantities(capacity), **capacity.unknown(kept=True)}


def _read_quantities(capacity: Fields) -> dict[str, Json]:
    read: dict[str, Json] = {}
    for name, quantity in (("memory", MEMORY), ("storage", STORAGE)):
        text = capacity.text(name)
        if text:
            read[name] = text
        if text and not quantity.holds(text):
            capacity.error(name, quantity.sentence)
    return read


def _read_cpu(cpu: Fields) -> dict[str, Json]:
    cores = cpu.data("cores")
    if cores is None:
        cpu.require("cores")
    elif not is_number(cores) or cores <= 0:
        cpu.error("cores", "must be a number above 0.")
    read: dict[str, Json] = {"cores": cores}
    if cpu.has("architectures"):
        read["architectures"] = list(_read_architectures(cpu))
    return {**read, **cpu.unknown(kept=True)}


def _read_architectures(cpu: Fields) -> list[str]:
    named = cpu.texts("architectures")
    for name in named:
        if name not in ARCHITECTURES:
            cpu.error("architectures", f"must be from {', '.join(ARCHITECTURES)}.")
            break
    return named


def _read_rule(fields: Fields) -> dict[str, Json]:
    read: dict[str, Json] = {}
    for name in ("propertySelector", "labelSelector"):
        selector = fields.map(name)
        if selector is not None:
            read[name] = _read_selector(selector, by_pointer=name == "propertySelector")
    if not read:
        fields.warn("propertySelector", "is missing, and so is labelSelector: all devices match.")
    return {**read, **fields.unknown(kept=True)}


def _read_selector(selector: Fields, *, by_pointer: bool) -> dict[str, Json]:
    expressions: list[Json] = [
        _read_expression(one, by_pointer=by_pointer)
        for one in selector.maps("matchExpressions", required=True)
    ]
    return {"matchExpressions": expressions, **selector.unknown(kept=True)}


def _read_expression(fields: Fields, *, by_pointer: bool) -> dict[str, Json]:
    """One match expression (Margo: device matching in the application description)."""
    key = fields.text("key", required=True)
    if by_pointer and key and not POINTER.fullmatch(key):
        fields.error("key", "must be a JSON Pointer such as /vendor.")
    operator = fields.text("operator", required=True)
    if operator and operator not in OPERATORS:
        fields.error("operator", f"must be one of {', '.join(OPERATORS)}.")
    read: dict[str, Json] = {"key": key, "operator": operator}
    if fields.has("values") or operator in WITH_VALUES:
        read["values"] = _read_values(fields, operator)
    if fields.has("itemSelector") or operator in WITH_ITEMS:
        read["itemSelector"] = _read_item_selector(fields, operator)
    return {**read, **fields.unknown(kept=True)}


def _read_item_selector(fields: Fields, operator: str) -> Json:
    selector = fields.map("itemSelector", required=True)
    if operator in OPERATORS and operator not in WITH_ITEMS:
        fields.error("itemSelector", f"does not go with {operator}.")
    return None if selector is None else _read_selector(selector, by_pointer=True)


def _read_values(fields: Fields, operator: str) -> Json:
    values = [fields.plain_item(*item) for item in fields.items("values", required=True)]
    if operator not in WITH_VALUES:
        if operator in OPERATORS:
            fields.error("values", f"does not go with {operator}.")
    elif operator in ("Gt", "Lt"):
        if values and not (len(values) == 1 and _is_numeric(values[0])):
            fields.error("values", f"of {operator} must be exactly one number.")
    elif values and not _are_comparable(values):
        fields.error("values", "must be texts, or numbers, or one of true and false.")
    return values


def _are_comparable(values: list[Json]) -> bool:
    """Texts only, numbers only, or a single boolean."""
    texts = all(isinstance(value, str) for value in values)
    one_answer = len(values) == 1 and isinstance(values[0], bool)
    return texts or one_answer or all(is_number(value) for value in values)


def _is_numeric(value: Json) -> bool:
    return is_number(value) or (isinstance(value, str) and NUMERIC.fullmatch(value) is not None)


def is_number(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_required_resources(profile: Fields) -> dict[str, Json] | None:
    """The older `requiredResources` as capacity requirements of today, as far as they go."""
    resources = profile.map("requiredResources")
    if resources is None:
        return None
    profile.warn("requiredResources", "is read as deviceConstraints.capacityRequirements.")
    capacity: dict[str, Json] = {}
    cpu = resources.map("cpu")
    if cpu is not None:
        capacity["cpu"] = _read_older_cpu(cpu)
    quantities = _read_quantities(resources)
    for name in ("peripherals", "interfaces"):
        if resources.value(name) is not None:
            resources.warn(name, "has no place in capacity requirements; it is ignored.")
    resources.unknown()
    return {"capacityRequirements": {**capacity, **quantities}}


def _read_older_cpu(cpu: Fields) -> dict[str, Json]:
    cores = cpu.data("cores")
    if not is_number(cores) or cores <= 0:
        cpu.error("cores", "must be a number above 0.")
    named = [OLDER_ARCHITECTURES.get(name, name) for name in cpu.texts("architectures")]
    known: list[Json] = [name for name in dict.fromkeys(named) if name in ARCHITECTURES]
    if named and not known:
        cpu.error("architectures", f"must be from {', '.join(ARCHITECTURES)}.")
    elif not set(named) <= set(ARCHITECTURES):
        cpu.warn("architectures", "has names that are not known today; they are ignored.")
    cpu.unknown()
    return {"cores": cores, "architectures": known} if known else {"cores": cores}
