"""What a package says, as frozen data: the application description of `margo.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass

from applications.package.findings import Finding
from applications.package.tree import Json


@dataclass(frozen=True)
class Component:
    """One chart or compose archive; `properties` and `extensions` go to the device as they are."""

    name: str
    properties: Mapping[str, Json]
    extensions: Mapping[str, Json]

    def as_data(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "properties": dict(self.properties),
            "extensions": dict(self.extensions),
        }


@dataclass(frozen=True)
class Profile:
    """One way to deploy the application; `problem` says why this one cannot be, or is None."""

    id: str
    type: str
    description: str
    components: tuple[Component, ...]
    device_constraints: Mapping[str, Json] | None
    extensions: Mapping[str, Json]
    problem: str | None

    def as_data(self) -> dict[str, Json]:
        constraints: dict[str, Json] = {}
        if self.device_constraints is not None:
            constraints["deviceConstraints"] = dict(self.device_constraints)
        return {
            "id": self.id,
            "type": self.type,
            "description": self.description,
            "components": [component.as_data() for component in self.components],
            **constraints,
            "extensions": dict(self.extensions),
            "problem": self.problem,
        }


@dataclass(frozen=True)
class Target:
    """Where a parameter goes: a pointer into each of the named components."""

    pointer: str
    components: tuple[str, ...]

    def as_data(self) -> dict[str, Json]:
        return {"pointer": self.pointer, "components": list(self.components)}


@dataclass(frozen=True)
class Parameter:
    """A value that the application takes; `default` is None when the package gives none.

    The lines are those of its name and of its default, for findings.
    """

    name: str
    default: Json
    targets: tuple[Target, ...]
    line: int
    default_line: int

    def as_data(self) -> dict[str, Json]:
        value: dict[str, Json] = {} if self.default is None else {"value": self.default}
        return {**value, "targets": [target.as_data() for target in self.targets]}


@dataclass(frozen=True)
class Setting:
    """A parameter as people see it, and the schema its value must obey."""

    parameter: str
    name: str
    description: str
    immutable: bool
    schema: str

    def as_data(self) -> dict[str, Json]:
        return {
            "parameter": self.parameter,
            "name": self.name,
            "description": self.description,
            "immutable": self.immutable,
            "schema": self.schema,
        }


@dataclass(frozen=True)
class Section:
    """Settings that belong together on the form."""

    name: str
    settings: tuple[Setting, ...]

    def as_data(self) -> dict[str, Json]:
        return {"name": self.name, "settings": [setting.as_data() for setting in self.settings]}


@dataclass(frozen=True)
class Catalog:
    """What a catalogue shows; the four files are paths inside the package, or empty.

    An author is {"name", "email"}, an organization {"name", "site"}.
    """

    tagline: str = ""
    icon: str = ""
    description_file: str = ""
    licence_file: str = ""
    release_notes: str = ""
    site: str = ""
    tags: tuple[str, ...] = ()
    authors: tuple[Mapping[str, str], ...] = ()
    organizations: tuple[Mapping[str, str], ...] = ()

    def as_data(self) -> dict[str, Json]:
        return {
            "tagline": self.tagline,
            "icon": self.icon,
            "description_file": self.description_file,
            "licence_file": self.licence_file,
            "release_notes": self.release_notes,
            "site": self.site,
            "tags": list(self.tags),
            "authors": [dict(author) for author in self.authors],
            "organizations": [dict(organization) for organization in self.organizations],
        }


@dataclass(frozen=True)
class Package:
    """One version of an application as its author describes it.

    `schemas` are by name and hold their rules as written; `extensions` are those of the root, which
    are meant for the fleet manager and never go to a device.
    """

    api_version: str
    app_id: str
    name: str
    version: str
    description: str
    catalog: Catalog
    profiles: tuple[Profile, ...]
    parameters: tuple[Parameter, ...]
    sections: tuple[Section, ...]
    schemas: Mapping[str, dict[str, Json]]
    extensions: Mapping[str, Json]
    warnings: tuple[Finding, ...]

    def as_data(self) -> dict[str, Json]:
        """Everything as JSON-able data, under the names of the model's columns."""
        return {
            "api_version": self.api_version,
            "app_id": self.app_id,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "catalog": self.catalog.as_data(),
            "profiles": [profile.as_data() for profile in self.profiles],
            "parameters": {one.name: one.as_data() for one in self.parameters},
            "sections": [section.as_data() for section in self.sections],
            "schemas": {name: dict(schema) for name, schema in self.schemas.items()},
            "extensions": dict(self.extensions),
            "warnings": [str(warning) for warning in self.warnings],
        }
