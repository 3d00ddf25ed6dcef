"""The parser of application descriptions: bytes of `margo.yaml` in, a `Package` or a reason out.

Pure: no Django, no files, no network, no clock.
"""

from applications.package.composer import compose
from applications.package.configuration import (
    check_parameters,
    read_configuration,
    read_parameters,
)
from applications.package.description import (
    Catalog,
    Component,
    Package,
    Parameter,
    Profile,
    Section,
    Setting,
    Target,
)
from applications.package.envelope import read_api_version, read_metadata
from applications.package.fields import Fields
from applications.package.findings import Finding, Findings, PackageError
from applications.package.profiles import read_profiles
from applications.package.tree import Json, MapNode

__all__ = [
    "Catalog",
    "Component",
    "Finding",
    "Json",
    "Package",
    "PackageError",
    "Parameter",
    "Profile",
    "Section",
    "Setting",
    "Target",
    "parse",
]


def parse(raw: bytes) -> Package:
    """The package that these bytes describe (Margo: application description).

    Raises PackageError, which has every error of a readable file with line and field, and raises
    nothing else whatever the bytes are.
    """
    findings = Findings()
    node = compose(raw, findings)
    if not isinstance(node, MapNode):
        raise PackageError([Finding(node.line, "", "the file is no application description.")])
    package = _read(Fields(node, "", findings), findings)
    findings.refuse_errors()
    return package


def _read(root: Fields, findings: Findings) -> Package:
    api_version = read_api_version(root)
    metadata = read_metadata(root)
    profiles = read_profiles(root)
    parameters = read_parameters(root)
    sections, schemas, settings = read_configuration(root)
    extensions = root.extensions()
    root.unknown()
    if not findings.errors:
        check_parameters(parameters, profiles, settings, schemas, findings)
    return Package(
        api_version=api_version,
        app_id=metadata.app_id,
        name=metadata.name,
        version=metadata.version,
        description=metadata.description,
        catalog=metadata.catalog,
        profiles=profiles,
        parameters=parameters,
        sections=sections,
        schemas=schemas,
        extensions=extensions,
        warnings=tuple(sorted(findings.warnings)),
    )
