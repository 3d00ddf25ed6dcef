"""A deployment's configuration in words: what, with which parameters, how, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from applications.parameters import Field, SectionFields, fields, sounds_secret
from deployments import content, phrases
from deployments.models import Deployment
from deployments.states import Stage
from deployments.targeting import chosen
from deployments.words import devices
from devices.models import DeviceGroup
from devices.selectors import SelectorError

#: What stands in place of a value that should not be shown.
SECRET = "••••••••"


@dataclass(frozen=True, slots=True)
class Value:
    """A setting in the package's own words, with its value; a secret is in no words."""

    label: str
    words: str
    given: bool
    value: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the package's configuration."""

    name: str
    values: list[Value]


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a deployment's page says about how it was set up."""

    profile: str
    sections: list[Section]
    strategy: str
    course: list[str]
    limits: list[str]
    targeting: list[str]


def of(deployment: Deployment) -> Configuration:
    """The deployment's configuration; one query, for the names of its groups."""
    return Configuration(
        profile=profile_words(deployment.version.profile(deployment.profile_id) or {}),
        sections=sections(deployment),
        strategy=phrases.strategy_words(deployment.strategy),
        course=phrases.course(deployment.strategy),
        limits=phrases.limits(deployment.strategy),
        targeting=targeting_words(deployment.targeting),
    )


def profile_words(profile: Mapping[str, object]) -> str:
    """A profile's id with its type and the package's description of it."""
    words = f"{profile.get('id', 'unknown')} ({profile.get('type', 'unknown')})"
    return f"{words}: {profile['description']}" if profile.get("description") else words


def sections(deployment: Deployment) -> list[Section]:
    """The settings that matter for the profile, with the values that the devices get."""
    values = _values(deployment)
    return [
        Section(section.name, [_value(one, deployment, values) for one in section.fields])
        for section in _fields(deployment)
    ]


def parameters(deployment: Deployment) -> dict[str, Value]:
    """Every parameter's value by its name, also of those that nobody can set."""
    values = _values(deployment)
    settings = [one for section in _fields(deployment) for one in section.fields]
    found = {one.name: _value(one, deployment, values) for one in settings}
    return {**{name: _fixed(name, entry) for name, entry in values.items()}, **found}


def targeting_words(targeting: Mapping[str, object]) -> list[str]:
    """How the devices were chosen, a phrase each."""
    ids, groups = _ids(targeting, "ids"), _ids(targeting, "groups")
    names = DeviceGroup.objects.filter(pk__in=groups).values_list("name", flat=True)
    phrases = [f"{devices(len(ids))} chosen by hand"] if ids else []
    phrases += [f"group {name}" for name in names]
    if labels := str(targeting.get("labels") or "").strip():
        phrases.append(f"label {labels}")
    if excluded := _ids(targeting, "excluded"):
        phrases.append(f"without {devices(len(excluded))} left out by hand")
    return phrases or ["no device chosen yet"]


def value_words(value: object) -> str:
    """A parameter's value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ("", []):
        return "empty"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _values(deployment: Deployment) -> Mapping[str, Mapping[str, object]]:
    """What the devices get, by parameter: as frozen, or as it would be if submitted now."""
    if deployment.stage != Stage.DRAFT:
        entries: Mapping[str, Mapping[str, object]] = deployment.resolved
        return entries
    try:
        targets = chosen(deployment.targeting)
    except SelectorError:
        targets = None
    version, profile_id = deployment.version, deployment.profile_id
    return content.resolved(version, profile_id, deployment.parameters, targets).values


def _fields(deployment: Deployment) -> list[SectionFields]:
    version = deployment.version
    profile = version.profile(deployment.profile_id) or {}
    return fields(version.sections, version.schemas, version.parameters, profile)


def _value(
    setting: Field, deployment: Deployment, values: Mapping[str, Mapping[str, object]]
) -> Value:
    is_given = setting.name in deployment.parameters
    typed = deployment.parameters[setting.name] if is_given else setting.default
    value = values[setting.name]["value"] if setting.name in values else typed
    words = _masked(value, secret=setting.secret)
    return Value(setting.label, words, is_given or value != setting.default, value)


def _fixed(name: str, entry: Mapping[str, object]) -> Value:
    """A parameter without a setting: the package decides its value."""
    value = entry["value"]
    return Value(name, _masked(value, secret=sounds_secret(name)), given=False, value=value)


def _masked(value: object, *, secret: bool) -> str:
    return SECRET if secret and value else value_words(value)


def _ids(targeting: Mapping[str, object], name: str) -> list[int]:
    found = targeting.get(name)
    return [pk for pk in found if isinstance(pk, int)] if isinstance(found, list) else []
