"""The form of a rollout's strategy: what it asks, in the order of the page."""

from collections.abc import Mapping

from django import forms
from django.http import QueryDict

from deployments import answers, strategy
from deployments.forms import focus_first_wrong
from deployments.words import UNITS

#: The label of each field, in the order of the page.
LABELS: dict[str, str] = {
    "kind": "How it is rolled out",
    "canary_by": "Which devices go first",
    "canary_percent": "Percentage of the devices",
    "canary_count": "Number of devices",
    "canary_labels": "Label expression",
    "canary_gate": "The others follow",
    "canary_soak": "After the canary was well for",
    "batch_by": "How large a batch is",
    "batch_percent": "Percentage of the devices in each batch",
    "batch_size": "Number of devices in each batch",
    "batch_sizes": "Sizes, one batch after the other",
    "batch_gate": "The next batch follows",
    "batch_delay": "After a pause of",
    "order": "In what order the batches are filled",
    "order_label": "Label",
    "max_failures": "Failures allowed",
    "install_timeout": "Time to install",
    "offline": "When a device does not come for it",
    "offline_after": "Away for",
    "offline_wait": "Wait for it at most",
    "retry_failed": "It reported a failure",
    "retry_rejected": "It refused without fetching",
    "retry_timed_out": "It took too long",
    "retry_unreachable": "It did not come in time",
    "retry_drifted": "It was installed, then failed",
    "rollback_percent": "If more than this percentage fails",
    "rollback_count": "If more than so many fail",
    "rollback_min_released": "Only once so many devices have it",
}
HELP: dict[str, str] = {
    "canary_percent": "Of all devices, rounded down, at least one.",
    "canary_labels": "For example site=berlin, line in (1, 2): every condition must hold.",
    "canary_soak": "0 lets them follow as soon as the canary is well.",
    "batch_percent": "Of all devices, rounded down, at least one. The last batch takes the rest.",
    "batch_size": "The last batch takes what is left.",
    "batch_sizes": "For example 1, 10, 50 %, rest",
    "batch_delay": "0 lets it follow as soon as the batch before is well.",
    "order": "As selected: those ticked by hand or pasted, then the others by name. "
    "Spread over the groups: one of each chosen group in turn.",
    "order_label": "Devices with the lowest value of this label come first.",
    "max_failures": "In each batch: a number like 3, or a percentage like 10 %. "
    "When more fail, nothing more is sent out until somebody decides.",
    "install_timeout": "From when a device fetches it; after that it counts as failed.",
    "offline_after": "From when it was sent out.",
    "offline_wait": "After that it counts as failed.",
    "rollback_percent": "Two decimals are possible.",
    "rollback_count": "0 undoes it with the first failure.",
}
DIGITS = ("canary_count", "batch_size", "rollback_count", "rollback_min_released")
DECIMALS = ("canary_percent", "batch_percent", "rollback_percent", *answers.DURATIONS)


class RolloutForm(forms.Form):
    """A strategy in the units people think in; `given` is what the verb takes.

    A field that was not posted keeps what is stored.
    """

    def __init__(self, stored: Mapping[str, object], data: QueryDict | None = None) -> None:
        """Starts from what is stored in the draft."""
        texts = answers.shown(stored)
        filled = None if data is None else {**texts, **data.dict()}
        super().__init__(filled, initial=texts)
        for name, label in LABELS.items():
            self.fields[name] = _field(name, label)
            if name in answers.DURATIONS:
                self.fields[f"{name}_unit"] = _unit(label)
        self.given: dict[str, object] = {}

    def clean(self) -> dict[str, object]:
        """Reads all answers, and says next to each what is wrong with it."""
        self.given, problems = answers.read(
            {name: self.cleaned_data.get(name, "") for name in self.fields}
        )
        self.take_problems(problems)
        return self.cleaned_data

    def take_problems(self, problems: Mapping[str, str]) -> None:
        """Puts each problem next to its field; the first field that has one gets the focus."""
        for name, problem in problems.items():
            field = name.removesuffix(answers.SUFFIX)
            known = field in self.fields
            said = f"It {problem}." if known else f"{name} {problem}."
            self.add_error(field if known else None, said)
        focus_first_wrong(self)

    @property
    def unfolded(self) -> bool:
        """Whether something folded away differs from what a new draft has."""
        usual = answers.shown(strategy.DEFAULTS)
        folded = [name.removesuffix(answers.SUFFIX) for name in answers.FOLDED]
        folded += [f"{name}_unit" for name in folded if name in answers.DURATIONS]
        return any(self[name].value() != usual[name] for name in folded)


def _field(name: str, label: str) -> forms.Field:
    """Any text is read: what it may be is for the strategy to say."""
    return forms.CharField(
        label=label, required=False, help_text=HELP.get(name, ""), widget=_widget(name)
    )


def _widget(name: str) -> forms.Widget:
    if name in strategy.CHOICES:
        return forms.RadioSelect(choices=list(strategy.CHOICES[name].items()))
    attrs = {"autocomplete": "off", "spellcheck": "false"}
    if name in DIGITS or name.startswith("retry_"):
        attrs["inputmode"] = "numeric"
    if name in DECIMALS:
        attrs["inputmode"] = "decimal"
    return forms.TextInput(attrs=attrs)


def _unit(label: str) -> forms.Field:
    units = [(str(seconds), f"{unit}s") for seconds, unit in reversed(UNITS)]
    select = forms.Select(choices=units, attrs={"aria-label": f"Unit of: {label}"})
    return forms.CharField(label=label, required=False, widget=select)
