"""Forms of the fleet: labels as lines, a group with its selector, a client's name."""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from django import forms
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from accounts.asking import LONGEST_KEY, is_key
from devices import selectors
from devices.identity.spiffe import is_name
from devices.label_limits import excess
from devices.models import DeviceGroup
from devices.relabelling import How, Wish

#: What a key may not hold, so that a selector can always name it without quotation marks.
UNNAMEABLE = re.compile(r"""[\s,=!()"']""")
LONGEST = 255


class LabelsForm(forms.Form):
    """Assigned labels, one key=value a line."""

    labels = forms.CharField(
        label="Assigned labels",
        required=False,
        help_text="One a line: key=value. They win over what the device reports.",
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
    )

    def clean_labels(self) -> dict[str, list[str]]:
        """The labels by key; the refusal names the line."""
        found: dict[str, list[str]] = {}
        for number, line in enumerate(self.cleaned_data["labels"].splitlines(), start=1):
            if line.strip():
                key, value = label(line, number)
                if value not in found.setdefault(key, []):
                    found[key].append(value)
                if problem := excess(found):
                    raise ValidationError(f"Line {number}: {problem}.")
        return found


class RelabelForm(forms.Form):
    """What shall become of the labels of many devices."""

    how = forms.ChoiceField(
        label="What to do",
        choices=[
            (How.REPLACE.value, "Set: in place of other assigned values of the same key"),
            (How.ADD.value, "Add: beside other assigned values of the same key"),
            (How.REMOVE.value, "Remove: these values, or the whole key where none is given"),
        ],
        initial=How.REPLACE.value,
        widget=forms.RadioSelect,
    )
    labels = forms.CharField(
        label="Labels",
        help_text="One a line: key=value. What devices report about themselves stays.",
        error_messages={"required": "Write at least one label."},
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, object]:
        """The wish, if every line can be read; the refusal names the line."""
        cleaned = super().clean() or {}
        if {"how", "labels"} <= cleaned.keys():
            try:
                cleaned["wish"] = wish(How(cleaned["how"]), str(cleaned["labels"]))
            except ValidationError as refusal:
                self.add_error("labels", refusal)
        return cleaned


def wish(how: How, text: str) -> Wish:
    """What the lines ask for; raises ValidationError with a sentence that names the line."""
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        whole = how is How.REMOVE and "=" not in line
        key, value = label(f"{line}=" if whole else line, number)
        if not whole and value not in found.setdefault(key, []):
            found[key].append(value)
        if whole:
            found[key] = []
        if problem := excess(found):
            raise ValidationError(f"Line {number}: {problem}.")
    return Wish(how, found)


def label(line: str, number: int) -> tuple[str, str]:
    """Key and value of a line; raises ValidationError with a sentence that names the line."""
    key, sign, value = (part.strip() for part in line.partition("="))
    if not sign or not key:
        raise ValidationError(f"Line {number}: write it as key=value.")
    if unnameable := UNNAMEABLE.search(key):
        raise ValidationError(f"Line {number}: a key cannot contain “{unnameable[0]}”.")
    if len(key) > LONGEST or len(value) > LONGEST:
        raise ValidationError(f"Line {number}: key and value have at most {LONGEST} characters.")
    return key, value


def lines(labels: dict[str, list[str]]) -> str:
    """Labels as the form takes them."""
    return "\n".join(f"{key}={value}" for key, values in labels.items() for value in values)


class GroupForm(forms.ModelForm[DeviceGroup]):
    """A group; its selector is read before it is saved."""

    class Meta:
        model = DeviceGroup
        fields = ("name", "description", "selector", "members")
        labels: ClassVar[dict[str, str]] = {"members": "Devices picked by hand"}
        help_texts: ClassVar[dict[str, str]] = {
            "selector": "For example: site=berlin, line in (1, 2), !old",
            "members": "Type a part of a device id, a client, a vendor or a serial number.",
        }
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "description": forms.Textarea(attrs={"rows": 2}),
        }

    def clean_selector(self) -> str:
        """The selector, or the sentence that says where it goes wrong."""
        text: str = self.cleaned_data["selector"].strip()
        try:
            selectors.parse(text)
        except selectors.SelectorError as refusal:
            raise ValidationError(str(refusal)) from refusal
        return text


class MembersWidget(AutocompleteSelectMultiple):
    """The devices of a group; what cannot be the key of one never reaches the database."""

    def value_from_datadict(
        self,
        data: Mapping[str, object],
        files: "MultiValueDict[str, UploadedFile[bytes]]",
        name: str,
    ) -> list[str]:
        """What was posted, with numbers too long for a key cut, so that the field refuses them."""
        given: list[str] = super().value_from_datadict(data, files, name)
        return [text if len(text) <= LONGEST_KEY else f"{text[:LONGEST_KEY]}…" for text in given]

    def optgroups(
        self, name: str, value: Sequence[str], attr: dict[str, bool | str] | None = None
    ) -> list[tuple[str | None, list[dict[str, object]], int | None]]:
        """The members among what was given."""
        return super().optgroups(name, [one for one in value if is_key(one)], attr)


class NewClientForm(forms.Form):
    """The name a client shall have."""

    name = forms.CharField(
        label="Name of the client",
        max_length=100,
        help_text="The end of its SPIFFE ID: letters, digits, “.”, “-” and “_”.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "line-4-gateway"}),
    )

    def clean_name(self) -> str:
        """The name, if it can be the end of a SPIFFE ID."""
        name: str = self.cleaned_data["name"]
        if not is_name(name):
            raise ValidationError("Use letters, digits, “.”, “-” and “_”.")
        return name
