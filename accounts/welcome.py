"""The page behind the link of an invitation: somebody new sets a password and is in."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpResponse
from django.urls import reverse_lazy

from accounts import invitations
from accounts.invitations import InvitationError
from accounts.models import User

if TYPE_CHECKING:
    FirstPasswordForm = SetPasswordForm[User]
else:
    FirstPasswordForm = SetPasswordForm

GONE = 410


class WelcomeForm(FirstPasswordForm):
    """The first password, typed twice."""

    new_password1, new_password2 = SetPasswordForm.create_password_fields(
        label1="Password", label2="The same password again"
    )
    new_password2.help_text = ""

    def save(self, commit: bool = True) -> User:
        """Uses the invitation up; raises InvitationError when somebody was faster."""
        invitations.accept(self.user, self.cleaned_data["new_password1"])
        return self.user


class Welcome(PasswordResetConfirmView):
    """Django's page for a lost password, for people who never had one.

    It keeps the token out of the address: the link leads on to one without it, so that no other
    page is ever told the link.
    """

    form_class = WelcomeForm
    post_reset_login = True
    success_url = reverse_lazy("admin:index")
    template_name = "accounts/welcome.html"
    title = "Welcome to Lineside"
    token_generator = invitations.tokens

    def get_user(self, uidb64: str) -> User | None:
        """Whom the link is for, as long as they are invited."""
        found = super().get_user(uidb64)
        return found if isinstance(found, User) and invitations.is_invited(found) else None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The frame of the portal, without anybody's name or menu."""
        context = super().get_context_data(**kwargs)
        return {**admin.site.each_context(self.request), **context, "invited": self.user}

    def render_to_response(self, context: dict[str, Any], **response_kwargs: Any) -> HttpResponse:
        """The form; for a void link a page that says so."""
        if not self.validlink:
            context["title"] = "This invitation is not valid any more"
            response_kwargs["status"] = GONE
        return super().render_to_response(context, **response_kwargs)

    def form_valid(self, form: FirstPasswordForm) -> HttpResponse:
        """Signs the person in."""
        try:
            answer = super().form_valid(form)
        except InvitationError:
            self.validlink = False
            return self.render_to_response(self.get_context_data())
        LogEntry.objects.log_actions(
            form.user.pk, [form.user], CHANGE, change_message="Accepted the invitation."
        )
        messages.success(self.request, "Your password is set, and you are signed in.")
        return answer
