"""One's own profile: the name, the time zone and the theme, and the way to the password."""

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.asking import person
from accounts.forms import ProfileForm
from accounts.models import User
from accounts.roles import DUTIES, LOOKS, role_of


def page(request: HttpRequest) -> HttpResponse:
    """Shows and saves the profile of whoever asks."""
    user = person(request)
    # What was typed must not become the name in the header before it is saved.
    given = request.POST if request.method == "POST" else None
    form = ProfileForm(given, instance=User.objects.get(pk=user.pk))
    if form.is_valid():
        return _save(request, user, form)
    role = role_of(user)
    context = {
        **admin.site.each_context(request),
        "title": "Your profile",
        "form": form,
        "role": LOOKS[role] if role else None,
        "duties": DUTIES[role] if role else "",
    }
    return render(request, "accounts/profile.html", context)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keeps what the switch in the header says; the page that asks shows it already."""
    wanted = request.POST.get("theme", "")
    if wanted not in User.Theme:
        return HttpResponseBadRequest("There is no such theme.")
    User.objects.filter(pk=person(request).pk).update(theme=wanted)
    return HttpResponse(status=204)


def _save(request: HttpRequest, user: User, form: ProfileForm) -> HttpResponse:
    if form.changed_data:
        form.instance.save(update_fields=form.changed_data)
        LogEntry.objects.log_actions(
            user.pk, [form.instance], CHANGE, change_message=f"Changed {form.changes}."
        )
    messages.success(request, "Your profile was saved.")
    return redirect("admin:profile")
