"""Forms about people: signing in, adding somebody, changing who may do what."""

from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import QueryDict

from accounts import zones
from accounts.models import User
from accounts.roles import DUTIES, LOOKS, Role, role_of

if TYPE_CHECKING:
    PasswordForm = AdminPasswordChangeForm[User]
else:
    PasswordForm = AdminPasswordChangeForm

ROLE_CHOICES = [(role.value, f"{LOOKS[role].words}: {DUTIES[role]}") for role in Role]


class SignInForm(AuthenticationForm):
    """Lets in whoever has a role; Django's flag for staff plays no part here."""

    def confirm_login_allowed(self, user: User) -> None:
        """Refuses inactive people, and people without a role, with a sentence."""
        super().confirm_login_allowed(user)
        if not user.has_perm("accounts.use_portal"):
            message = "This account has no role yet. Ask an admin to give it one."
            raise ValidationError(message, code="no_role")


def role_field() -> forms.ChoiceField:
    """The choice of a role, with what each may do."""
    return forms.ChoiceField(choices=ROLE_CHOICES, widget=forms.RadioSelect, initial=Role.VIEWER)


class InvitationForm(forms.ModelForm[User]):
    """Name and role of somebody new, who sets the password themselves."""

    role = role_field()

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email")
        help_texts: ClassVar[dict[str, str]] = {
            "username": "What they sign in with: a short name, or their e-mail address."
        }

    def clean_username(self) -> str:
        """Refuses a name that only capitals tell from somebody else's."""
        name = str(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError("Somebody has this name already.", code="unique")
        return name


class NewPasswordForm(PasswordForm):
    """A new password for somebody; taking it away instead is not offered, deactivating is."""

    def __init__(self, user: User, data: QueryDict | None = None) -> None:
        super().__init__(user, data)
        self.fields.pop("usable_password", None)


class PersonForm(forms.ModelForm[User]):
    """What an admin may change about somebody; the admin class sets `actor` for each request."""

    actor: ClassVar[User | None] = None
    role = role_field()

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email", "is_active")
        labels: ClassVar[dict[str, str]] = {"is_active": "May sign in"}
        help_texts: ClassVar[dict[str, str]] = {
            "is_active": "Take this away instead of deleting anybody: what they did stays told."
        }

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> object:
        """Starts with the role the person has."""
        if field_name == "role":
            return role_of(self.instance)
        return super().get_initial_for_field(field, field_name)

    def clean(self) -> dict[str, object]:
        """Keeps an admin from locking themselves out."""
        cleaned = super().clean() or {}
        if self.instance == self.actor and not (
            cleaned.get("is_active") and cleaned.get("role") == Role.ADMIN
        ):
            message = "You cannot take your own admin role or sign-in away; ask another admin."
            raise ValidationError(message)
        return cleaned


class ProfileForm(forms.ModelForm[User]):
    """What people say about themselves."""

    time_zone = forms.ChoiceField(
        required=False,
        choices=zones.choices,
        label="Time zone",
        help_text="All times are shown in it, and asked for in it.",
    )

    class Meta:
        model = User
        fields = ("first_name", "last_name", "email", "time_zone", "theme")
        widgets: ClassVar[dict[str, forms.Widget]] = {"theme": forms.RadioSelect()}

    @property
    def changes(self) -> str:
        """The changed fields in words: “time zone and theme”."""
        labels = [str(self.fields[name].label).lower() for name in self.changed_data]
        return " and ".join([", ".join(labels[:-1]), labels[-1]] if labels[1:] else labels)
