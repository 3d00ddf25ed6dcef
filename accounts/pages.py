"""What all lists and pages of the portal's admin have in common: words, titles, emptiness."""

from typing import Any, TypeVar

from django.contrib.admin import ModelAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.asking import key, require
from accounts.search import words_of

M = TypeVar("M", bound=Model)


class PortalAdmin(ModelAdmin[M]):
    """A list with a title, a sentence, one primary action and something to say when empty.

    `list_words` is the title of the list, `list_lede` the sentence below it, `add_words` the
    button that adds a row and the title of the page behind it. `empty_words` says what to do
    when there is nothing yet. Templates read them through `cl.model_admin` and `words`.
    """

    list_words = ""
    list_lede = ""
    add_words = ""
    empty_title = "Nothing here yet"
    empty_words = ""
    search_words = "Search"

    actions = None
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """The list under its own name, with the time at which it was read."""
        mine = {"title": self.list_words, "subtitle": None, "now": timezone.now()}
        return super().changelist_view(request, {**mine, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """What has the words of the search, as far as they are looked at."""
        return super().get_search_results(request, queryset, " ".join(words_of(search_term)))

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Who changed what, for those who may know."""
        require(request, "admin.view_logentry")
        return super().history_view(request, object_id, extra_context)

    def facts_of(self, obj: M) -> dict[str, object]:
        """What the page of a row says beside its form."""
        return {}

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> HttpResponse:
        """The form under the name of what it changes, with one way to save."""
        if obj is not None:
            context |= self.facts_of(obj)
        context |= {
            "title": self.add_words if obj is None else str(obj),
            "subtitle": None,
            "list_words": self.list_words,
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
        }
        # No colon after labels: the portal's own forms have none either.
        context["adminform"].form.label_suffix = ""
        return super().render_change_form(request, context, add, change, form_url, obj)


class OwnPages(PortalAdmin[M]):
    """Rows that have a page of the portal's own in place of the admin's form."""

    def page_of(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page of the row with this key."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """The row's own page, at the address where the admin would show its form."""
        return self.page_of(request, key(object_id))
