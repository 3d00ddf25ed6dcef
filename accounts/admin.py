"""People: who may sign in, with which role."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.admins import LastAdminError, keeping_an_admin
from accounts.forms import NewPasswordForm, NewPersonForm, PersonForm
from accounts.look import Look, ago, badge
from accounts.models import User
from accounts.pages import PortalAdmin
from accounts.roles import LOOKS, Role, assign, role_of

admin.site.unregister(Group)

NO_ROLE = Look("bad", "!", "No role")
ACTIVE = Look("ok", "✓", "May sign in")
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


@admin.register(User)
class PeopleAdmin(PortalAdmin[User], UserAdmin[User]):
    """Adds people, gives them their one role, deactivates them, sets new passwords."""

    list_words = "People"
    list_lede = "Everybody who may sign in, each with exactly one role."
    add_words = "Add a person"
    search_words = "Name or e-mail"

    change_form_template = "accounts/person.html"
    add_form_template = None
    change_user_password_template = "accounts/password.html"
    form = PersonForm
    add_form = NewPersonForm
    change_password_form = NewPasswordForm
    list_display = ("username", "full_name", "role", "access", "seen")
    list_filter = (RoleFilter, "is_active")
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
        ("Password", {"fields": ("password1", "password2")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """People with their groups, in one go."""
        return super().get_queryset(request).prefetch_related("groups")

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
        return badge(ACTIVE if person.is_active else INACTIVE)

    @admin.display(description="Last signed in", ordering="last_login")
    def seen(self, person: User) -> SafeString | str:
        """How long ago they signed in."""
        return ago(person.last_login, timezone.now())
