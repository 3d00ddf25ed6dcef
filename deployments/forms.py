"""The form of a package's settings, in the package's own words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict

from applications.parameters import Field, SectionFields, problem_with, read
from applications.values import is_empty
from deployments.configuration import value_words

DEFAULTS_DO = (
    "{} filled in with the package's defaults: continue if you have no reason to change them."
)


@dataclass(frozen=True, slots=True)
class Question:
    """A setting beside its field in the form."""

    setting: Field
    bound: BoundField
    hints: list[str]
    keeps_secret: bool


def focus_first_wrong(form: forms.Form) -> None:
    """The first field with an error gets the focus when the page is shown."""
    first = next((name for name in form.fields if name in form.errors), None)
    if first is not None:
        form.fields[first].widget.attrs["autofocus"] = True


class ParameterForm(forms.Form):
    """One field for each setting of the chosen profile, in the package's words.

    What equals the package's default is not given; what was left empty where the package has no
    default is not given either.
    """

    def __init__(
        self,
        sections: Sequence[SectionFields],
        stored: Mapping[str, object],
        data: QueryDict | None = None,
    ) -> None:
        """Starts from what is stored in the draft, else from the package's defaults."""
        super().__init__(data)
        self.sections = sections
        self.stored = stored
        for setting in self._settings():
            self.fields[_key(setting)] = _field(setting, self._value(setting))

    def clean(self) -> dict[str, object]:
        """Reads each answer in its data type and says next to it what is wrong with it."""
        self.values: dict[str, object] = {}
        for setting in self._settings():
            answer = self.cleaned_data.get(_key(setting), "")
            if setting.secret and not answer:
                # It was not shown, so an empty answer means: as it was.
                self.values[setting.name] = self._value(setting)
                continue
            self._read(setting, answer)
        return self.cleaned_data

    def given(self) -> dict[str, object]:
        """The answers that differ from the package's defaults, by parameter."""
        return {
            setting.name: self.values[setting.name]
            for setting in self._settings()
            if not _same(self.values[setting.name], setting.default)
        }

    def take_problems(self, problems: Mapping[str, str]) -> None:
        """Puts the verb's refusal next to the fields it is about."""
        by_name = {setting.name: setting for setting in self._settings()}
        for name, problem in problems.items():
            if name in by_name:
                self.add_error(_key(by_name[name]), _sentence(by_name[name], problem))
            else:
                self.add_error(None, f"{name} {problem}.")

    def questions(self) -> list[tuple[str, list[Question]]]:
        """The form by section, as the page shows it."""
        return [
            (section.name, [self._question(setting) for setting in section.fields])
            for section in self.sections
        ]

    def lede(self) -> str:
        """What is to be done here, in a sentence; empty where there is nothing to set."""
        settings = list(self._settings())
        own = [one.label for one in settings if one.name in self.stored]
        empty = [one.label for one in settings if one.required and is_empty(self._value(one))]
        if empty:
            return f"Still empty, and needed: {', '.join(empty)}."
        if own:
            return f"All filled in; other than the package's default: {', '.join(own)}."
        if not settings:
            return ""
        complete = not any(is_empty(self._value(one)) for one in settings)
        return DEFAULTS_DO.format("All" if complete else "All that is needed is")

    def _value(self, setting: Field) -> object:
        """What is stored in the draft, else the package's default."""
        return self.stored.get(setting.name, setting.default)

    def _settings(self) -> Iterator[Field]:
        for section in self.sections:
            yield from section.fields

    def _read(self, setting: Field, answer: str | list[str]) -> None:
        try:
            value = read(setting.schema, answer)
        except ValueError as error:
            self.add_error(_key(setting), _sentence(setting, str(error)))
            return
        self.values[setting.name] = value
        optional = is_empty(value) and setting.default is None and not setting.required
        if not optional and (problem := problem_with(setting.schema, value)):
            self.add_error(_key(setting), _sentence(setting, problem))

    def _question(self, setting: Field) -> Question:
        keeps = setting.secret and setting.name in self.stored
        return Question(setting, self[_key(setting)], hints(setting), keeps)


def hints(setting: Field) -> list[str]:
    """What a person should know before answering: limits, the default, what cannot be undone."""
    found = [
        _between(setting.min_length, setting.max_length, "{} characters"),
        _between(setting.min_value, setting.max_value, "{}"),
        f"at most {setting.max_precision:g} decimals" if setting.max_precision is not None else "",
        "one on each line" if setting.kind == "list" else "",
        _default_words(setting),
        "cannot be changed once it is installed" if setting.immutable else "",
    ]
    return [hint for hint in found if hint]


def _default_words(setting: Field) -> str:
    if setting.default is None or setting.kind == "boolean" or setting.secret:
        return ""
    return f"default: {value_words(setting.default)}"


def _between(least: float | None, most: float | None, words: str) -> str:
    if least is not None and most is not None:
        return words.format(f"{least:g} to {most:g}")
    if least is not None:
        return words.format(f"at least {least:g}")
    return words.format(f"at most {most:g}") if most is not None else ""


def _key(setting: Field) -> str:
    return f"p-{setting.name}"


def _sentence(setting: Field, problem: str) -> str:
    return f"{setting.label} {problem}."


def _same(value: object, default: object) -> bool:
    """Equal as JSON values: 1 is 1.0, but true is not 1; nothing given is no default."""
    if default is None:
        return is_empty(value)
    return isinstance(value, bool) == isinstance(default, bool) and value == default


def _field(setting: Field, value: object) -> forms.Field:
    """The form field of a setting; its rules are checked by the package's schema, not here."""
    # That there is help ties it to the field; how it is set out is for the template.
    told = " ".join([setting.help, *hints(setting), "secret" if setting.secret else ""]).strip()
    if setting.kind == "multiselect":
        return forms.MultipleChoiceField(
            label=setting.label,
            required=False,
            help_text=told,
            choices=[(option, option) for option in setting.options],
            initial=[_text(one) for one in value] if isinstance(value, list) else [],
            widget=forms.CheckboxSelectMultiple,
        )
    initial = "" if setting.secret else _text(value)
    return forms.CharField(
        label=setting.label,
        required=False,
        help_text=told,
        strip=False,
        initial=initial,
        widget=_widget(setting, value),
    )


def _widget(setting: Field, value: object) -> forms.Widget:
    if setting.kind == "boolean":
        return forms.CheckboxInput(check_test=lambda given: given in (True, "true", "on"))
    if setting.kind == "select":
        blank = [] if setting.required and value is not None else [("", "–")]
        return forms.Select(choices=[*blank, *((one, one) for one in setting.options)])
    if setting.kind == "list":
        return forms.Textarea(attrs={"rows": 4})
    if setting.secret:
        return forms.PasswordInput(attrs={"autocomplete": "new-password"})
    mode = {"integer": "numeric", "number": "decimal"}.get(setting.kind, "text")
    return forms.TextInput(attrs={"inputmode": mode, "autocomplete": "off"})


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return "" if value is None else str(value)
