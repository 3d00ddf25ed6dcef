"""A version's profiles and parameters as its page shows them: words made from stored JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

from applications.models import ApplicationVersion
from applications.requirements import profile_needs, value_limits

TYPES = {"compose": "Compose", "helm": "Helm"}


@dataclass(frozen=True, slots=True)
class Profile:
    """A deployment profile as the page shows it."""

    id: str
    kind: str
    description: str
    problem: str
    components: list[tuple[str, list[tuple[str, str]]]]
    needs: list[str]

    @classmethod
    def of(cls, profile: Mapping[str, object]) -> "Profile":
        """Reads what the package parser stored."""
        found = profile.get("components")
        components = found if isinstance(found, list) else []
        return cls(
            id=str(profile["id"]),
            kind=TYPES.get(str(profile.get("type")), str(profile.get("type"))),
            description=str(profile.get("description") or ""),
            problem=str(profile.get("problem") or ""),
            components=[(str(one["name"]), _properties(one)) for one in components],
            needs=profile_needs(profile),
        )


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as the page shows it."""

    name: str
    label: str
    help: str
    kind: str
    limits: list[str]
    default: str
    immutable: bool


def parameters_of(version: ApplicationVersion) -> list[tuple[str, list[Parameter]]]:
    """The parameters by section; those that nobody is asked for come last, under no heading."""
    asked: set[str] = set()
    sections = []
    for section in version.sections:
        sections.append(
            (section["name"], [_parameter(version, one) for one in section["settings"]])
        )
        asked |= {one["parameter"] for one in section["settings"]}
    rest = [_unasked(version, name) for name in version.parameters if name not in asked]
    return [*sections, ("Set by the package", rest)] if rest else sections


def _parameter(version: ApplicationVersion, setting: Mapping[str, object]) -> Parameter:
    name = str(setting["parameter"])
    schema = version.schemas.get(setting["schema"], {})
    return Parameter(
        name=name,
        label=str(setting["name"]),
        help=str(setting.get("description") or ""),
        kind=str(schema.get("dataType", "")),
        limits=value_limits(schema),
        default=_default(version, name),
        immutable=bool(setting.get("immutable")),
    )


def _unasked(version: ApplicationVersion, name: str) -> Parameter:
    return Parameter(name, name, "", "", [], _default(version, name), immutable=False)


def _default(version: ApplicationVersion, name: str) -> str:
    value = version.parameters.get(name, {}).get("value")
    return "" if value is None else _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _properties(component: Mapping[str, object]) -> list[tuple[str, str]]:
    found = component.get("properties")
    return [(key, _plain(value)) for key, value in found.items()] if isinstance(found, dict) else []


def types_of(version: ApplicationVersion) -> str:
    """The deployment types of its profiles."""
    return ", ".join(
        dict.fromkeys(TYPES.get(str(one["type"]), str(one["type"])) for one in version.profiles)
    )
