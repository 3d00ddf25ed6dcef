"""Panels and columns that an upper app adds to the pages of a lower one.

A device page shows its workloads although devices know nothing of deployments: `deployments`
registers a panel from its `AppConfig.ready()`, the page shows whatever is registered.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest
from django.utils.safestring import SafeString

M = TypeVar("M", bound=Model)
Cell = Callable[[Any], str | bool]


class Place(StrEnum):
    """Pages that offer room; the object on them stands behind each name."""

    DASHBOARD = "dashboard"  # none
    APPLICATION = "application"  # applications.models.Application
    VERSION = "version"  # applications.models.ApplicationVersion
    DEPRECATION = "deprecation"  # the same, about to be deprecated: entries of a list
    DEVICE = "device"  # devices.models.Device
    DEVICE_EVENTS = "device_events"  # the same, at the end of what is beside
    GROUP = "group"  # devices.models.DeviceGroup
    DEPARTURE = "departure"  # the devices that are about to leave, as a queryset
    APPLICATIONS = "applications"  # the list: columns only
    DEVICES = "devices"  # the list: columns only


class Panel(Protocol):
    """Renders a card for the page, or nothing when this person has nothing to see there."""

    def __call__(self, request: HttpRequest, shown: object | None) -> SafeString | None: ...


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list: computed in the list's own query, so that it costs no query per row."""

    name: str
    words: str
    expression: Combinable
    cell: Callable[[object], str] = str

    def shown(self) -> Cell:
        """The column as an entry of `list_display`."""

        @admin.display(description=self.words, ordering=self.name)
        def column(row: Model) -> str:
            return self.cell(getattr(row, self.name))

        return column


_panels: dict[Place, list[Panel]] = defaultdict(list)
_columns: dict[Place, list[Column]] = defaultdict(list)


def register(place: Place | str, panel: Panel) -> None:
    """Show `panel` at `place`, below those registered before."""
    _panels[Place(place)].append(panel)


def register_column(place: Place | str, column: Column) -> None:
    """Add a column to the list at `place`."""
    _columns[Place(place)].append(column)


def panels_for(
    place: Place | str, request: HttpRequest, shown: object | None = None
) -> list[SafeString]:
    """The rendered panels of a page."""
    made = (panel(request, shown) for panel in _panels[Place(place)])
    return [panel for panel in made if panel]


def columns_for(place: Place | str) -> list[Column]:
    """The additional columns of a list."""
    return list(_columns[Place(place)])


def shown_columns(place: Place | str) -> list[Cell]:
    """The additional columns as entries of `list_display`."""
    return [column.shown() for column in columns_for(place)]


def with_columns(queryset: QuerySet[M], place: Place | str) -> QuerySet[M]:
    """The list's rows with a value for each additional column."""
    found: QuerySet[M] = queryset.annotate(
        **{column.name: column.expression for column in columns_for(place)}
    )
    return found
