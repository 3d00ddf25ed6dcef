"""Approval rules in the portal: which deployments somebody else has to look at first."""

from collections.abc import Callable
from typing import ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from accounts.look import Look, ago, badge
from accounts.pages import PortalAdmin
from applications.models import Application
from deployments import approval, hindsight
from deployments.hindsight import Caught
from deployments.models import ApprovalRule
from devices import selectors

IN_FORCE = Look("ok", "✓", "In force")
SWITCHED_OFF = Look("idle", "⊘", "Switched off")
NAMES_NOTHING = "Name at least one of the three: an application, a number of devices or a label."
#: So many of the deployments that a rule would have caught are named.
NAMED = 5


class RuleForm(forms.ModelForm[ApprovalRule]):
    """A rule; what it asks for is read before it is saved."""

    application = forms.ModelChoiceField(
        Application.objects.order_by("name"),
        label="It rolls out",
        required=False,
        empty_label="Any application",
    )

    class Meta:
        model = ApprovalRule
        fields = ("name", "enabled", "application", "more_than", "labels")
        labels: ClassVar[dict[str, str]] = {
            "enabled": "In force",
            "more_than": "It is for more than so many devices",
            "labels": "One of its devices matches",
        }
        help_texts: ClassVar[dict[str, str]] = {
            "name": "Stands wherever a deployment says why it waits for approval.",
            "enabled": (
                "Deployments that were already submitted stay as they are. To see first what the"
                " rule would have caught, save it without this tick."
            ),
            "more_than": "Devices that would really get it; 0 stands for every deployment.",
            "labels": "For example: site=berlin, line in (1, 2), !old",
        }
        error_messages: ClassVar[dict[str, dict[str, str]]] = {
            "name": {"unique": "Another rule has this name."},
        }

    def clean_labels(self) -> str:
        """The label expression, or the sentence that says where it goes wrong."""
        text: str = self.cleaned_data["labels"].strip()
        try:
            selectors.parse(text)
        except selectors.SelectorError as refusal:
            raise ValidationError(str(refusal)) from refusal
        return text

    def clean(self) -> dict[str, object]:
        """Refuses a rule that would hold for everything because it names nothing."""
        cleaned = super().clean() or {}
        counts = cleaned.get("more_than") is not None
        names_one = counts or cleaned.get("application") or cleaned.get("labels")
        if not self.errors and not names_one:
            self.add_error("application", NAMES_NOTHING)
        return cleaned


class RuleList(ChangeList):
    """The list, with what the rules on this page would have caught: asked for all at once."""

    def get_results(self, request: HttpRequest) -> None:
        """The rules of the page, and a column more."""
        super().get_results(request)
        rules: list[ApprovalRule] = list(self.result_list)
        self.result_list = rules
        self.list_display = [
            *self.list_display,
            _column(hindsight.look_back(rules, timezone.now())),
        ]


def _column(caught: dict[int, Caught]) -> Callable[[ApprovalRule], str]:
    @admin.display(description="Would have caught")
    def would_have_caught(rule: ApprovalRule) -> str:
        found = caught[rule.pk]
        return format_html('{} of <span class="nowrap">{}</span>', found.number, found.among)

    return would_have_caught


class RuleAdmin(PortalAdmin[ApprovalRule]):
    """Adds, changes and deletes rules; each change is in the rule's history."""

    list_words = "Approval rules"
    list_lede = (
        "A deployment that one of them applies to waits until somebody else approves it. "
        f"Beside each is what it would have caught in the last {hindsight.DAYS} days."
    )
    add_words = "Add a rule"
    empty_title = "No rules yet"
    empty_words = "Without a rule a deployment waits for approval only if its author asks for it."
    search_words = "Name"

    form = RuleForm
    fieldsets = (
        (None, {"fields": ("name", "enabled")}),
        (
            "A deployment waits for approval when all of this holds",
            {
                "fields": ("application", "more_than", "labels"),
                "description": "What is left empty is not asked for.",
            },
        ),
    )
    list_display = ("name", "asks", "in_force", "changed")
    search_fields = ("name",)
    list_select_related = ("application",)
    change_form_template = "deployments/rule.html"
    delete_confirmation_template = "deployments/rules_delete.html"

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        """The list with its additional column."""
        return RuleList

    def facts_of(self, obj: ApprovalRule) -> dict[str, object]:
        """What the rule as it was saved would have caught."""
        now = timezone.now()
        caught = hindsight.look_back([obj], now)[obj.pk]
        return {
            "now": now,
            "caught": caught,
            "named": caught.deployments[:NAMED],
            "days": hindsight.DAYS,
        }

    def save_model(
        self,
        request: HttpRequest,
        obj: ApprovalRule,
        form: forms.ModelForm[ApprovalRule],
        change: bool,
    ) -> None:
        """Saves it, with the time."""
        obj.updated_at = timezone.now()
        if not change:
            obj.created_at = obj.updated_at
        super().save_model(request, obj, form, change)

    @admin.display(description="Applies when")
    def asks(self, rule: ApprovalRule) -> str:
        """What it asks for, in the words of the reason that it gives."""
        return capfirst(approval.conditions(rule))

    @admin.display(description="State", ordering="enabled")
    def in_force(self, rule: ApprovalRule) -> SafeString:
        """Whether it is asked at all."""
        return badge(IN_FORCE if rule.enabled else SWITCHED_OFF)

    @admin.display(description="Changed", ordering="updated_at")
    def changed(self, rule: ApprovalRule) -> SafeString | str:
        """When it was last saved."""
        return ago(rule.updated_at, timezone.now())
