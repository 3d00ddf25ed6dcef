"""From a package's parameters and a person's answers to one deployment's, and the form between."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeGuard

from applications.values import (
    Schema,
    is_empty,
    item_type,
    limit_of,
    may_be_empty,
    options_of,
    problem_with,
    read,
    takes_list,
)

__all__ = [
    "Field",
    "Resolution",
    "SectionFields",
    "fields",
    "problem_with",
    "read",
    "resolve",
    "sounds_secret",
    "targets_in",
]

Json = Mapping[str, object]
Kind = Literal["text", "integer", "number", "boolean", "select", "multiselect", "list"]

KINDS: Mapping[str, Kind] = {"integer": "integer", "double": "number", "boolean": "boolean"}
SECRET_WORDS = ("password", "passwd", "passphrase", "secret", "token")


@dataclass(frozen=True)
class Resolution:
    """The `parameters` of an application deployment, and the problems by parameter name."""

    values: dict[str, dict[str, object]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Field:
    """One setting as a form shows it; limits are None where the package sets none."""

    name: str
    label: str
    help: str
    kind: Kind
    schema: Schema
    default: object
    required: bool
    immutable: bool
    secret: bool
    options: tuple[str, ...] = ()
    min_length: float | None = None
    max_length: float | None = None
    min_value: float | None = None
    max_value: float | None = None
    max_precision: float | None = None


@dataclass(frozen=True)
class SectionFields:
    """A section of the package's configuration with the settings that matter for one profile."""

    name: str
    fields: tuple[Field, ...]


def resolve(
    package_parameters: Mapping[str, Json],
    sections: Sequence[Json],
    schemas: Mapping[str, Schema],
    profile: Json,
    given: Json,
    installed: Json | None = None,
) -> Resolution:
    """Decide value and targets of every parameter for one profile (Margo: application description).

    `given` holds the person's answers and `installed` the values the device runs now, both as plain
    values by parameter name. A given value wins over the package's default; a setting that is
    immutable keeps its installed value and refuses another; only targets in the profile's
    components stay; a parameter without any is left out, as is one without a value if its schema
    allows that. A default that breaks its own schema is a problem too: packages in the field have
    them, and the person must choose something else.
    """
    resolution = Resolution(problems=_refused_names(package_parameters, sections, given))
    settings = {str(setting.get("parameter")): setting for _, setting in _settings(sections)}
    for name, parameter in package_parameters.items():
        targets = targets_in(profile, parameter)
        if not targets or name in resolution.problems:
            continue
        value, problem = _decide(name, parameter, settings.get(name), schemas, given, installed)
        if problem:
            resolution.problems[name] = problem
        elif value is not None:
            resolution.values[name] = {"value": value, "targets": targets}
    return resolution


def fields(
    sections: Sequence[Json],
    schemas: Mapping[str, Schema],
    parameters: Mapping[str, Json],
    profile: Json,
) -> list[SectionFields]:
    """The form for one profile: the settings with a target in it, in the package's order."""
    found: dict[str, list[Field]] = {}
    for section, setting in _settings(sections):
        parameter = parameters.get(str(setting.get("parameter")))
        schema = schemas.get(str(setting.get("schema")))
        if parameter is not None and schema is not None and targets_in(profile, parameter):
            found.setdefault(section, []).append(_field(setting, schema, parameter))
    return [SectionFields(section, tuple(its_fields)) for section, its_fields in found.items()]


def targets_in(profile: Json, parameter: Json) -> list[dict[str, object]]:
    """The parameter's targets in components of the profile; other components are dropped."""
    present = {component.get("name") for component in _mappings(profile.get("components"))}
    targets: list[dict[str, object]] = []
    for target in _mappings(parameter.get("targets")):
        components = target.get("components")
        kept = [name for name in components if name in present] if _is_list(components) else []
        if kept:
            targets.append({"pointer": target.get("pointer"), "components": kept})
    return targets


def _refused_names(
    package_parameters: Mapping[str, Json], sections: Sequence[Json], given: Json
) -> dict[str, str]:
    settable = {str(setting.get("parameter")) for _, setting in _settings(sections)}
    return {
        name: "has no setting, so it keeps its default"
        if name in package_parameters
        else "is not a parameter of this application"
        for name in given
        if name not in package_parameters or name not in settable
    }


def _decide(
    name: str,
    parameter: Json,
    setting: Json | None,
    schemas: Mapping[str, Schema],
    given: Json,
    installed: Json | None,
) -> tuple[object, str | None]:
    """The parameter's value, where None leaves it out, and what is wrong with it."""
    default = parameter.get("value")
    if setting is None:
        return default, None
    schema = schemas.get(str(setting.get("schema")), {})
    if setting.get("immutable") is True and installed is not None and name in installed:
        kept = installed[name]
        if name in given and not _same(given[name], kept):
            return None, "cannot be changed once it is installed"
        return kept, problem_with(schema, kept)
    value = given.get(name, default)
    if is_empty(value) and default is None:
        # An empty answer says no more than no answer: the workload's own default applies.
        return None, problem_with(schema, None)
    return value, problem_with(schema, value)


def _same(one: object, other: object) -> bool:
    """Equal as JSON values: 1 is 1.0, but true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _field(setting: Json, schema: Schema, parameter: Json) -> Field:
    name, kind = str(setting.get("parameter")), _kind(schema)
    return Field(
        name=name,
        label=str(setting.get("name") or name),
        help=str(setting.get("description") or ""),
        kind=kind,
        schema=schema,
        default=parameter.get("value"),
        required=kind != "boolean" and not may_be_empty(schema),
        immutable=setting.get("immutable") is True,
        secret=kind == "text" and sounds_secret(name),
        options=options_of(schema),
        min_length=limit_of(schema, "minLength"),
        max_length=limit_of(schema, "maxLength"),
        min_value=limit_of(schema, "minValue"),
        max_value=limit_of(schema, "maxValue"),
        max_precision=limit_of(schema, "maxPrecision"),
    )


def _kind(schema: Schema) -> Kind:
    if options_of(schema):
        return "multiselect" if takes_list(schema) else "select"
    return "list" if takes_list(schema) else KINDS.get(item_type(schema), "text")


def sounds_secret(name: str) -> bool:
    """A guess: the standard has no mark for settings that should not be shown."""
    lowered = name.lower()
    return lowered.endswith("key") or any(word in lowered for word in SECRET_WORDS)


def _settings(sections: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    for section in sections:
        for setting in _mappings(section.get("settings")):
            yield str(section.get("name", "")), setting


def _mappings(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, Mapping)] if _is_list(value) else []


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)
