"""The example packages that come with the project import without a word and show every type."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from applications.importing import import_directory
from applications.package import Package, parse
from applications.parameters import problem_with

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = ("grafana", "node-red", "node-red-next", "victoria-metrics")
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def example(name: str) -> Package:
    return parse((EXAMPLES / name / "margo.yaml").read_bytes())


def test_every_example_is_known_to_these_tests() -> None:
    assert {path.parent.name for path in EXAMPLES.glob("*/margo.yaml")} == set(NAMES)


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_an_example_imports_with_all_its_resources_and_no_warning(name: str) -> None:
    result = import_directory(EXAMPLES / name, actor=None, now=NOW)
    assert result.warnings == ()
    assert result.version.resources.count() == 4


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_of_an_example_can_be_asked_for(name: str) -> None:
    package = example(name)
    settings = {one.parameter for section in package.sections for one in section.settings}
    assert settings == {parameter.name for parameter in package.parameters}


@pytest.mark.parametrize("name", NAMES)
def test_every_default_of_an_example_obeys_its_schema(name: str) -> None:
    package = example(name)
    schema_of = {one.parameter: one.schema for part in package.sections for one in part.settings}
    for parameter in package.parameters:
        if parameter.default is not None:
            schema = package.schemas[schema_of[parameter.name]]
            assert problem_with(schema, parameter.default) is None, parameter.name


def test_the_examples_have_parameters_of_every_data_type() -> None:
    schemas = [schema for name in NAMES for schema in example(name).schemas.values()]
    simple = {schema["dataType"] for schema in schemas if "options" not in schema}
    items = ("string", "integer", "double", "boolean")
    assert simple == {*items, *(f"array[{item}]" for item in items)}
    selections = {bool(schema.get("multiselect")) for schema in schemas if "options" in schema}
    assert selections == {True, False}


def test_the_examples_have_one_compose_one_helm_and_one_with_both() -> None:
    types = {name: [profile.type for profile in example(name).profiles] for name in NAMES}
    assert types == {
        "grafana": ["helm"],
        "node-red": ["compose"],
        "node-red-next": ["compose"],
        "victoria-metrics": ["helm", "compose"],
    }


def test_one_example_has_a_next_version_to_upgrade_to() -> None:
    now, later = example("node-red"), example("node-red-next")
    assert now.app_id == later.app_id
    assert now.version != later.version
