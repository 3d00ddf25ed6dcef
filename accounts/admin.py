"""People: who may sign in, with which role."""

from datetime import timedelta

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from accounts import invitations
from accounts.admins import LastAdminError, keeping_an_admin
from accounts.forms import InvitationForm, NewPasswordForm, PersonForm
from accounts.invitations import InvitationError
from accounts.look import Look, ago, badge
from accounts.models import User
from accounts.pages import PortalAdmin
from accounts.roles import LOOKS, Role, assign, role_of

admin.site.unregister(Group)

NO_ROLE = Look("bad", "!", "No role")
ACTIVE = Look("ok", "✓", "May sign in")
INVITED = Look("run", "✉", "Invited")
INACTIVE = Look("idle", "⊘", "Deactivated")


class RoleFilter(admin.SimpleListFilter):
    """People by role."""

    title = "role"
    parameter_name = "role"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[User]
    ) -> list[tuple[str, str]]:
        """The three roles."""
        return [(role.value, LOOKS[role].words) for role in Role]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        """Those who have the role."""
        return queryset.filter(groups__name=self.value()) if self.value() else queryset


class AccessFilter(admin.SimpleListFilter):
    """People by whether they get in."""

    title = "access"
    parameter_name = "access"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[User]
    ) -> list[tuple[str, str]]:
        """As the list says it."""
        looks = {"active": ACTIVE, "invited": INVITED, "deactivated": INACTIVE}
        return [(value, look.words) for value, look in looks.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        """Those who get in, will, or will not."""
        if not self.value():
            return queryset
        found = queryset.filter(is_active=self.value() != "deactivated")
        unset = {"password__startswith": UNUSABLE_PASSWORD_PREFIX}
        if self.value() == "invited":
            return found.filter(**unset)
        return found.exclude(**unset) if self.value() == "active" else found


@admin.register(User)
class PeopleAdmin(PortalAdmin[User], UserAdmin[User]):
    """Invites people, gives them their one role, deactivates them, sets new passwords."""

    list_words = "People"
    list_lede = "Everybody who may sign in, each with exactly one role."
    add_words = "Invite a person"
    search_words = "Name or e-mail"

    change_form_template = "accounts/person.html"
    add_form_template = "accounts/invite.html"
    change_user_password_template = "accounts/password.html"
    form = PersonForm
    add_form = InvitationForm
    change_password_form = NewPasswordForm
    list_display = ("username", "full_name", "role", "access", "seen")
    list_filter = (RoleFilter, AccessFilter)
    list_display_links = ("username",)
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ()
    fieldsets = (
        (None, {"fields": ("first_name", "last_name", "email")}),
        ("What they may do", {"fields": ("role", "is_active")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "first_name", "last_name", "email")}),
        ("What they may do", {"fields": ("role",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """People with their groups, in one go."""
        return super().get_queryset(request).prefetch_related("groups")

    def get_urls(self) -> list[URLPattern]:
        """Inviting somebody again is a POST to an address of its own."""
        guard = self.admin_site.admin_view
        again = guard(require_POST(self.invite_again))
        return [path("<int:pk>/invite/", again, name="accounts_user_invite"), *super().get_urls()]

    def get_form(
        self,
        request: HttpRequest,
        obj: User | None = None,
        change: bool = False,
        **kwargs: object,
    ) -> type[ModelForm[User]]:
        """The form, told who is using it."""
        form = super().get_form(request, obj, **{"change": change, **kwargs})
        return type(form.__name__, (form,), {"actor": request.user})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Saves a change only if an admin is left; says so otherwise."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        try:
            with keeping_an_admin():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except LastAdminError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def save_model(
        self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool
    ) -> None:
        """Somebody new has no password; whoever is deactivated is no longer invited either."""
        changed = [name for name in form.changed_data if name != "role"]
        if not change or (not obj.is_active and not obj.has_usable_password()):
            obj.set_unusable_password()
            changed.append("password")
        obj.save(update_fields=changed if change else None)

    def response_add(
        self, request: HttpRequest, obj: User, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Shows the link of the invitation."""
        return self._show_link(request, obj)

    def invite_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Makes another link for somebody who has not set a password yet."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        user = get_object_or_404(User, pk=pk)
        try:
            answer = self._show_link(request, user)
        except InvitationError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect("admin:accounts_user_change", pk)
        self.log_change(request, user, "Made a new invitation.")
        return answer

    def _show_link(self, request: HttpRequest, user: User) -> HttpResponse:
        """The link, once: it is in this answer and nowhere else, so this is no redirect."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"{user} is invited",
            "crumbs": [("People", reverse("admin:accounts_user_changelist"))],
            "person": user,
            "link": invitations.invite(user),
            "until": timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
        }
        return render(request, "accounts/invitation.html", context)

    def save_related(
        self, request: HttpRequest, form: ModelForm[User], formsets: object, change: bool
    ) -> None:
        """Gives the person the chosen role."""
        assign(form.instance, Role(form.cleaned_data["role"]))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody is deleted: history names them."""
        return False

    @admin.display(description="Name", ordering="last_name")
    def full_name(self, person: User) -> str:
        """First and last name."""
        return person.get_full_name() or "–"

    @admin.display(description="Role")
    def role(self, person: User) -> SafeString:
        """The role as a badge."""
        role = role_of(person)
        return badge(LOOKS[role] if role else NO_ROLE)

    @admin.display(description="Access", ordering="is_active")
    def access(self, person: User) -> SafeString:
        """Whether they may sign in."""
        if invitations.is_invited(person):
            return badge(INVITED)
        return badge(ACTIVE if person.is_active else INACTIVE)

    @admin.display(description="Last signed in", ordering="last_login")
    def seen(self, person: User) -> SafeString | str:
        """How long ago they signed in."""
        return ago(person.last_login, timezone.now())
