"""The list of deployments: search, filters that live in the address, sorting, pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import django_filters
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from accounts.search import words_of
from applications.models import Application
from deployments import lines, queries, strategy
from deployments.models import STATUSES, Deployment
from deployments.standings import STANDINGS

#: The columns that can be sorted, as they appear in the address.
ORDERS = (
    ("updated_at", "updated"),
    ("created_at", "created"),
    ("name", "name"),
    ("stage", "status"),
)
#: The orders that are offered by name; the titles of the columns turn them round.
OFFERED = {
    "-updated": "Updated, newest first",
    "-created": "Created, newest first",
    "created": "Created, oldest first",
    "name": "Name",
    "status": "Status",
}

Row = TypeVar("Row")


class DeploymentFilter(django_filters.FilterSet):
    """What the address of the list may ask for.

    Margo's `status` has no menu: two that are nearly the same confuse.
    """

    q = django_filters.CharFilter(method="search", label="Search")
    status = django_filters.ChoiceFilter(choices=STATUSES, label="Margo status")
    stage = django_filters.ChoiceFilter(
        method="standing",
        choices=[(name, one.look.words) for name, one in STANDINGS.items()],
        label="Status",
    )
    strategy = django_filters.ChoiceFilter(
        field_name="strategy__kind", choices=list(strategy.WORDS.items()), label="Strategy"
    )
    application = django_filters.ModelChoiceFilter(
        field_name="version__application",
        queryset=Application.objects.order_by("name"),
        label="Application",
    )
    o = django_filters.OrderingFilter(fields=ORDERS)

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = ()

    def search(self, found: QuerySet[Deployment], _name: str, value: str) -> QuerySet[Deployment]:
        """Every word must be found in a name, an application, a version or a person."""
        for word in words_of(value):
            found = found.filter(
                Q(name__icontains=word)
                | Q(version__application__name__icontains=word)
                | Q(version__application__app_id__icontains=word)
                | Q(version__version__icontains=word)
                | Q(created_by__username__icontains=word)
            )
        return found

    def standing(self, found: QuerySet[Deployment], _name: str, value: str) -> QuerySet[Deployment]:
        """Those that stand there, by the same words as on the overview."""
        return found.filter(STANDINGS[value].holds)


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a filter's menu, as a link to the list with that choice."""

    words: str
    query: str
    current: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """A filter above the table."""

    words: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Chip:
    """A chosen filter; `query` is the list without it."""

    label: str
    words: str
    query: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title; sortable ones link to the other order."""

    words: str
    query: str = ""
    direction: str = ""
    optional: bool = False


def deployments(request: HttpRequest) -> HttpResponse:
    """The list of deployments."""
    if not request.user.has_perm("deployments.view_deployment"):
        raise PermissionDenied
    filters, page = asked_for(request.GET)
    shown = [lines.line(deployment) for deployment in page]
    context = {
        **admin.site.each_context(request),
        "title": "Deployments",
        "page": page,
        "lines": shown,
        "moving": lines.moving(shown),
        "menus": [*_menus(filters, request.GET), _orders(request.GET)],
        "chips": _chips(filters, request.GET),
        "columns": _columns(request.GET),
        "search": request.GET.get("q", ""),
        "kept": [(key, value) for key, value in request.GET.items() if key not in {"q", "p"}],
        "query": request.GET.urlencode(),
        "pages": pages(page, request.GET),
        "may_create": may_create(request),
    }
    return render(request, "deployments/list.html", context)


def asked_for(given: QueryDict) -> tuple[DeploymentFilter, Page[Deployment]]:
    """The filters of an address of the list, and the page of it that it shows."""
    filters = DeploymentFilter(given, queries.for_list())
    return filters, Paginator(filters.qs, lines.PER_PAGE).get_page(given.get("p"))


def may_create(request: HttpRequest) -> bool:
    """Whether the person may make new deployments."""
    return request.user.has_perm("deployments.add_deployment")


def _menus(filters: DeploymentFilter, given: QueryDict) -> list[Menu]:
    return [
        Menu(str(filters.filters[name].label), _choices(name, filters, given))
        for name in ("stage", "strategy", "application")
    ]


def _orders(given: QueryDict) -> Menu:
    """The orders, also for who cannot see the columns' titles."""
    now = given.get("o", "-updated")
    choices = [Choice(words, changed(given, o=key), key == now) for key, words in OFFERED.items()]
    return Menu("Sort by", choices)


def _choices(name: str, filters: DeploymentFilter, given: QueryDict) -> list[Choice]:
    return [
        Choice(words, changed(given, **{name: value}), given.get(name) == value)
        for value, words in _words(name, filters).items()
        if value
    ]


def _chips(filters: DeploymentFilter, given: QueryDict) -> list[Chip]:
    """One for each filter that took effect; a value nobody knows is ignored, so it has none."""
    filters.is_valid()
    chosen = filters.form.cleaned_data
    chips = []
    for name in ("q", "status", "stage", "strategy", "application"):
        if not chosen.get(name):
            continue
        words = _words(name, filters).get(str(given[name]), str(given[name]))
        chips.append(Chip(str(filters.filters[name].label), words, changed(given, **{name: None})))
    return chips


def _words(name: str, filters: DeploymentFilter) -> Mapping[str, str]:
    choices: Iterable[tuple[object, object]] = getattr(filters.form.fields[name], "choices", ())
    return {str(value): str(words) for value, words in choices}


def _columns(given: QueryDict) -> list[Column]:
    return [
        _sortable("name", "Name", given),
        Column("Application"),
        _sortable("status", "Status", given),
        Column("Strategy", optional=True),
        Column("Devices"),
        _sortable("updated", "Updated", given, backwards_first=True),
    ]


def _sortable(key: str, words: str, given: QueryDict, *, backwards_first: bool = False) -> Column:
    order = given.get("o", "-updated")
    if order == key:
        return Column(words, changed(given, o=f"-{key}"), "ascending")
    if order == f"-{key}":
        return Column(words, changed(given, o=key), "descending")
    return Column(words, changed(given, o=f"-{key}" if backwards_first else key))


def pages(page: Page[Row], given: QueryDict) -> list[tuple[str, str]]:
    """Links to the pages around this one; the present one has no link."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    return [
        (str(one), "" if one in (page.number, page.paginator.ELLIPSIS) else paged(given, one))
        for one in numbers
    ]


def paged(given: QueryDict, number: object) -> str:
    """The address of another page with the same filters."""
    query = given.copy()
    query["p"] = str(number)
    return f"?{query.urlencode()}"


def changed(given: QueryDict, **values: str | None) -> str:
    """The address with some of its values changed or (None) taken out, from the first page on."""
    query = given.copy()
    query.pop("p", None)
    for name, value in values.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = value
    return f"?{query.urlencode()}"
