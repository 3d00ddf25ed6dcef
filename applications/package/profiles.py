"""The deployment profiles of a description and their components."""

from applications.package.composer import PLACEHOLDER
from applications.package.constraints import read_constraints, read_required_resources
from applications.package.description import Component, Profile
from applications.package.envelope import LONGEST_NAME
from applications.package.fields import Fields, rule
from applications.package.tree import Json

TYPES = ("helm", "compose", "custom")
OLDER_TYPES = {"helm.v3": "helm", "docker-compose": "compose"}
OLDER_PLACES = ("packageLocation", "keyLocation")

COMPONENT_NAME = rule(
    r"[a-z0-9-]+", "must be lower-case letters, digits and dashes, and nothing else."
)
REPOSITORY = rule(r"oci://\S+", 'must begin with "oci://".')
NUMBER = r"(0|[1-9]\d*)"
PRERELEASE = r"(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
# The + of a build is written _, as a tag cannot hold it (Margo: application description).
REVISION = rule(
    rf"{NUMBER}\.{NUMBER}\.{NUMBER}"
    rf"(-{PRERELEASE}(\.{PRERELEASE})*)?([_][0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?",
    'must be a semantic version such as 1.2.3, without "v", its "+" written as "_".',
)
TIMEOUT = rule(r"\d+m\d+s", "should look like 8m30s; devices may refuse it.")


def read_profiles(root: Fields) -> tuple[Profile, ...]:
    profiles: list[Profile] = []
    for fields in root.maps("deploymentProfiles", required=True):
        profile = _read_profile(fields)
        if profile.id in {one.id for one in profiles}:
            fields.error("id", "is the id of an earlier profile too.")
        profiles.append(profile)
    return tuple(profiles)


def _read_profile(fields: Fields) -> Profile:
    components = tuple(_read_components(fields))
    constraints = read_constraints(fields)
    if fields.findings.lenient and constraints is None:
        constraints = read_required_resources(fields)
    profile = Profile(
        id=fields.text("id", required=True, longest=LONGEST_NAME),
        type=_read_type(fields),
        description=fields.text("description"),
        components=components,
        device_constraints=constraints,
        extensions=fields.extensions(),
        problem=_problem(components),
    )
    fields.unknown()
    return profile


def _read_type(fields: Fields) -> str:
    written = fields.text("type", required=True)
    if fields.findings.lenient and written in OLDER_TYPES:
        today = OLDER_TYPES[written]
        fields.warn("type", f'"{written}" is the older word for "{today}".')
        return today
    if written and written not in TYPES:
        fields.error("type", "must be helm, compose or custom.")
    return written


def _read_components(profile: Fields) -> list[Component]:
    components: list[Component] = []
    for fields in profile.maps("components", required=True):
        component = _read_component(fields)
        if component.name in {one.name for one in components}:
            fields.error("name", "is the name of an earlier component of this profile too.")
        components.append(component)
    return components


def _read_component(fields: Fields) -> Component:
    properties = fields.map("properties", required=True)
    component = Component(
        name=fields.checked("name", COMPONENT_NAME, required=True),
        properties=_read_properties(properties) if properties else {},
        extensions=fields.extensions(),
    )
    fields.unknown()
    return component


def _read_properties(fields: Fields) -> dict[str, Json]:
    """The properties in the author's words, as they are relayed to the device."""
    older = [name for name in OLDER_PLACES if fields.findings.lenient and fields.has(name)]
    elsewhere = bool(older) and not fields.has("repository")
    known: dict[str, Json] = {
        "repository": _read_repository(fields, required=not elsewhere),
        "revision": fields.checked("revision", REVISION, required=not elsewhere),
        "timeout": _read_timeout(fields),
        **{name: fields.text(name) for name in older},
    }
    if fields.has("wait"):
        known["wait"] = fields.flag("wait", default=True)
    for name in older:
        fields.warn(name, "is how older packages name a place; devices want a repository.")
    given = {name: value for name, value in known.items() if value != ""}
    return {**given, **fields.unknown(kept=True)}


def _read_repository(fields: Fields, *, required: bool) -> str:
    # Never lenient: a device could not fetch anything from another kind of address.
    repository = fields.text("repository", required=required)
    if placeholder := PLACEHOLDER.search(repository):
        if placeholder[0] != repository.strip():
            fields.error("repository", f"holds {placeholder[0]}, which nobody has filled in.")
    elif repository.strip() and not REPOSITORY.holds(repository):
        fields.error("repository", REPOSITORY.sentence)
    return repository


def _read_timeout(fields: Fields) -> str:
    timeout = fields.text("timeout")
    if timeout and not TIMEOUT.holds(timeout):
        fields.warn("timeout", TIMEOUT.sentence)
    return timeout


def _problem(components: tuple[Component, ...]) -> str | None:
    for component in components:
        if "repository" not in component.properties:
            return (
                f"The component {component.name} names no repository in a registry, "
                "so no device of today can fetch it."
            )
    return None
