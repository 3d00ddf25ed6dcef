"""Template tags of the portal's look: badges, bars, times, icons."""

from collections.abc import Iterable
from datetime import datetime

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import look, panels
from config.menu import address

register = template.Library()

register.simple_tag(look.badge)
register.simple_tag(look.bar)
register.simple_tag(look.legend)
register.simple_tag(look.moment)
register.simple_tag(look.until)
register.simple_tag(look.labels)


@register.simple_tag(takes_context=True)
def ago(context: template.Context, when: datetime | None, never: str = "never") -> SafeString | str:
    """How long ago (or until) `when` is, as a <time>; counts from the context's `now`."""
    now = context.get("now")
    return look.ago(when, now if isinstance(now, datetime) else timezone.now(), never)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A line drawing of portal/icons.svg; decoration, words stand beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("portal/icons.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def panels_at(
    context: template.Context, place: str, shown: object | None = None
) -> Iterable[SafeString]:
    """What other apps have to say on this page: rendered panels, in their order."""
    return panels.panels_for(panels.Place(place), context["request"], shown)


@register.simple_tag
def page(route: str) -> str:
    """The address of a page, or nothing where there is no such page."""
    return address(route) or ""
