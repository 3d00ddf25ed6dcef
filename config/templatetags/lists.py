"""Template tags of the admin's lists: filters as menus with removable chips."""

from dataclasses import dataclass

from django import template
from django.contrib.admin import ListFilter
from django.contrib.admin.views.main import ChangeList

register = template.Library()


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to filter, with the query that does it."""

    words: str
    query: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """A filter: its choices without “all”, the chosen one, and the query that drops it."""

    title: str
    choices: list[Choice]
    chosen: Choice | None
    without: str


@dataclass(frozen=True, slots=True)
class Field:
    """A filter that is typed: its parameter, what it holds, what is wrong with it."""

    title: str
    parameter: str
    value: str
    placeholder: str
    error: str
    without: str


@dataclass(frozen=True, slots=True)
class Bar:
    """All that a list can be narrowed by."""

    menus: list[Menu]
    fields: list[Field]
    kept: list[tuple[str, str]]
    without_search: str
    narrowed: bool


@register.simple_tag
def filter_bar(changes: ChangeList) -> Bar:
    """The filters of a list, sorted into menus and fields; `kept` are the parameters of menus."""
    specs = list(changes.filter_specs)
    fields = [_field(spec, changes) for spec in specs if getattr(spec, "typed", False)]
    typed = {field.parameter for field in fields} | {"q", "p"}
    return Bar(
        menus=[_menu(spec, changes) for spec in specs if not getattr(spec, "typed", False)],
        fields=fields,
        kept=[(name, value) for name, value in changes.params.items() if name not in typed],
        without_search=changes.get_query_string(remove=["q", "p"]),
        narrowed=bool(changes.query or changes.has_active_filters),
    )


@register.simple_tag
def query_of(changes: ChangeList) -> str:
    """What the list is narrowed and searched by, as a query."""
    return changes.get_query_string(remove=["p", "o"])


def _menu(spec: ListFilter, changes: ChangeList) -> Menu:
    choices = [
        Choice(str(one["display"]), str(one["query_string"]), bool(one["selected"]))
        for one in spec.choices(changes)
    ]
    everything, rest = choices[0], choices[1:]
    chosen = next((one for one in rest if one.selected), None)
    return Menu(str(spec.title), rest, chosen, everything.query)


def _field(spec: ListFilter, changes: ChangeList) -> Field:
    parameter = str(spec.expected_parameters()[0])
    return Field(
        title=str(spec.title),
        parameter=parameter,
        value=str(spec.used_parameters.get(parameter, "")),
        placeholder=getattr(spec, "placeholder", ""),
        error=getattr(spec, "error", ""),
        without=changes.get_query_string(remove=[parameter, "p"]),
    )
