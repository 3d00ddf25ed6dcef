"""The parameters of a description, the sections of its form and the schemas of their values."""

from collections.abc import Iterable

import regex

from applications.package.description import Parameter, Profile, Section, Setting, Target
from applications.package.envelope import LONGEST_NAME
from applications.package.fields import Fields
from applications.package.findings import Findings
from applications.package.tree import Json, Node, Scalar
from applications.parameters import problem_with

ITEM_TYPES = ("string", "integer", "double", "boolean")
DATA_TYPES = (*ITEM_TYPES, *(f"array[{name}]" for name in ITEM_TYPES))

COUNTS = ("minLength", "maxLength", "minPrecision", "maxPrecision")
LIMITS = ("minValue", "maxValue")
FLAGS = ("allowEmpty", "multiselect")
PAIRS = (("minLength", "maxLength"), ("minPrecision", "maxPrecision"), ("minValue", "maxValue"))


def read_parameters(root: Fields) -> tuple[Parameter, ...]:
    parameters = root.map("parameters")
    if parameters is None:
        return ()
    return tuple(
        _read_parameter(name, parameters.line_of(name), fields)
        for name, fields in parameters.members()
    )


def _read_parameter(name: str, line: int, fields: Fields) -> Parameter:
    if not name.strip() or len(name) > LONGEST_NAME:
        sentence = f"must have a name of 1 to {LONGEST_NAME} characters."
        fields.findings.error(line, fields.path, sentence)
    parameter = Parameter(
        name=name,
        default=_read_default(fields),
        targets=tuple(_read_target(target) for target in fields.maps("targets", required=True)),
        line=line,
        default_line=fields.line_of("value"),
    )
    fields.unknown()
    return parameter


def _read_default(fields: Fields) -> Json:
    default = fields.data("value")
    items = default if isinstance(default, list) else [default]
    if any(isinstance(item, dict | list) for item in items):
        fields.error("value", "must be a text, a number, true or false, or a list of these.")
    return default


def _read_target(fields: Fields) -> Target:
    target = Target(
        pointer=fields.text("pointer", required=True),
        components=tuple(fields.texts("components", required=True)),
    )
    fields.unknown()
    return target


def read_configuration(
    root: Fields,
) -> tuple[tuple[Section, ...], dict[str, dict[str, Json]], dict[str, Setting]]:
    """The sections, the schemas by name, and the settings by parameter."""
    configuration = root.map("configuration")
    if configuration is None:
        return (), {}, {}
    schemas = _read_schemas(configuration)
    parameters = root.map("parameters")
    names = set(parameters.node.members) if parameters else set()
    sections = tuple(
        _read_section(fields, names, schemas)
        for fields in configuration.maps("sections", required=True)
    )
    configuration.unknown()
    settings = {one.parameter: one for section in sections for one in section.settings}
    return sections, schemas, settings


def _read_section(fields: Fields, parameters: set[str], schemas: Iterable[str]) -> Section:
    section = Section(
        name=fields.text("name", required=True, longest=LONGEST_NAME),
        settings=tuple(
            _read_setting(setting, parameters, schemas)
            for setting in fields.maps("settings", required=True)
        ),
    )
    fields.unknown()
    return section


def _read_setting(fields: Fields, parameters: set[str], schemas: Iterable[str]) -> Setting:
    setting = Setting(
        parameter=fields.text("parameter", required=True),
        name=fields.text("name", required=True, longest=LONGEST_NAME),
        description=fields.text("description"),
        immutable=fields.flag("immutable", default=False),
        schema=fields.text("schema", required=True),
    )
    if setting.parameter and setting.parameter not in parameters:
        fields.error("parameter", "names a parameter that does not exist.")
    if setting.schema and setting.schema not in schemas:
        fields.error("schema", "names a schema that does not exist.")
    fields.unknown()
    return setting


def _read_schemas(configuration: Fields) -> dict[str, dict[str, Json]]:
    schemas: dict[str, dict[str, Json]] = {}
    for fields in configuration.maps("schema", required=True):
        name = fields.text("name", required=True, longest=LONGEST_NAME)
        if name in schemas:
            fields.error("name", "is the name of an earlier schema too.")
        schemas[name] = _read_schema(name, fields)
    return schemas


def _read_schema(name: str, fields: Fields) -> dict[str, Json]:
    data_type = fields.text("dataType", required=True)
    if data_type and data_type not in DATA_TYPES:
        fields.error("dataType", f"must be one of {', '.join(DATA_TYPES)}.")
    rules: dict[str, Json] = {
        **{rule: _read_number(fields, rule, whole=True) for rule in COUNTS if fields.has(rule)},
        **{rule: _read_number(fields, rule, whole=False) for rule in LIMITS if fields.has(rule)},
        **{rule: fields.flag(rule, default=False) for rule in FLAGS if fields.has(rule)},
    }
    for low, high in PAIRS:
        _check_order(fields, rules, low, high)
    if fields.has("regexMatch"):
        rules["regexMatch"] = _read_pattern(fields)
    if fields.has("options"):
        rules["options"] = _read_options(fields, as_text="string" in data_type)
    return {"name": name, "dataType": data_type, **rules, **fields.unknown(kept=True)}


def _read_number(fields: Fields, rule: str, *, whole: bool) -> Json:
    number = fields.data(rule)
    if isinstance(number, bool) or not isinstance(number, int if whole else int | float):
        fields.error(rule, f"must be a {'whole ' if whole else ''}number.")
    elif whole and number < 0:
        fields.error(rule, "must not be negative.")
    return number


def _check_order(fields: Fields, rules: dict[str, Json], low: str, high: str) -> None:
    least, most = rules.get(low), rules.get(high)
    if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
        fields.error(low, f"is more than {high}.")


def _read_pattern(fields: Fields) -> str:
    pattern = fields.text("regexMatch")
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        fields.warn("regexMatch", f"is no pattern, so it is not checked ({error}).")
    return pattern


def _read_options(fields: Fields, *, as_text: bool) -> Json:
    """The options to choose from; those of a text type exactly as written (1.10 is "1.10")."""
    options = [_option(fields, *item, as_text=as_text) for item in fields.items("options")]
    if not options:
        fields.error("options", "must be a list with something to choose from.")
    if any(option is None or isinstance(option, dict | list) for option in options):
        fields.error("options", "must be texts, numbers, true or false.")
    return options


def _option(fields: Fields, node: Node, path: str, *, as_text: bool) -> Json:
    if as_text and isinstance(node, Scalar):
        return node.text
    return fields.plain_item(node, path)


def check_parameters(
    parameters: tuple[Parameter, ...],
    profiles: tuple[Profile, ...],
    settings: dict[str, Setting],
    schemas: dict[str, dict[str, Json]],
    findings: Findings,
) -> None:
    """Warnings for what works, though its author can hardly have meant it."""
    components = {component.name for profile in profiles for component in profile.components}
    for parameter in parameters:
        path = f"parameters.{parameter.name}"
        for unknown in _unknown_components(parameter, components):
            sentence = f"a target names the component {unknown}, which does not exist."
            findings.warn(parameter.line, path, sentence)
        setting = settings.get(parameter.name)
        if setting is None:
            findings.warn(parameter.line, path, "has no setting, so nobody is asked for it.")
        elif problem := _default_problem(parameter, schemas.get(setting.schema)):
            findings.warn(parameter.default_line, f"{path}.value", f"the default {problem}.")


def _unknown_components(parameter: Parameter, components: set[str]) -> list[str]:
    named = (name for target in parameter.targets for name in target.components)
    return [name for name in dict.fromkeys(named) if name not in components]


def _default_problem(parameter: Parameter, schema: dict[str, Json] | None) -> str | None:
    if schema is None or parameter.default is None:
        return None
    return problem_with(schema, parameter.default)
