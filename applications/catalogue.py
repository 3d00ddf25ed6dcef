"""The catalogue by tag and by organization, as the newest version of each application has them."""

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from django.contrib import admin
from django.db.models import JSONField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from applications.models import Application, ApplicationVersion

#: So many choices are offered, the most used ones; the address finds the others, too.
MOST_CHOICES = 50


def tags_of(catalog: Mapping[str, object] | None) -> list[str]:
    """The tags of a catalogue entry."""
    found = (catalog or {}).get("tags")
    return [str(one) for one in found] if isinstance(found, list) else []


def organizations_of(catalog: Mapping[str, object] | None) -> list[str]:
    """The names of the organizations behind it."""
    found = (catalog or {}).get("organizations")
    return [str(one.get("name")) for one in found] if isinstance(found, list) else []


class CatalogFilter(admin.SimpleListFilter):
    """Applications by words of their newest version.

    The databases search lists in JSON each in their own way, and SQLite cannot. A catalogue has
    hundreds of entries, not thousands: they are read, by one statement, and sorted out here.
    """

    words_of: ClassVar = staticmethod(tags_of)

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Application]
    ) -> list[tuple[str, str]]:
        """The words that are there, and the one that was asked for."""
        newest = ApplicationVersion.objects.filter(application=OuterRef("pk")).values("catalog")
        rows = Application.objects.order_by().values_list(
            "pk", Subquery(newest[:1], output_field=JSONField())
        )
        self.found = {pk: set(self.words_of(catalog)) for pk, catalog in rows}
        counted = Counter(word for words in self.found.values() for word in words)
        offered = {word for word, _ in counted.most_common(MOST_CHOICES)}
        asked = str(self.used_parameters.get(str(self.parameter_name)) or "")
        offered |= {asked} - {""}
        return [(word, word) for word in sorted(offered, key=str.casefold)]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Application]
    ) -> QuerySet[Application]:
        """Those that have the word."""
        if not (word := self.value()):
            return queryset
        return queryset.filter(pk__in=[pk for pk, words in self.found.items() if word in words])


class TagFilter(CatalogFilter):
    """Applications by tag."""

    title = "tag"
    parameter_name = "tag"


class OrganizationFilter(CatalogFilter):
    """Applications by who publishes them."""

    title = "organization"
    parameter_name = "organization"
    words_of: ClassVar = staticmethod(organizations_of)
