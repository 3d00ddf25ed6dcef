"""The things that history tells of: their words, their pages, and who may see them."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import CharField, Model, QuerySet, Value
from django.urls import reverse

from accounts.models import User
from applications.models import Application, ApplicationVersion
from deployments.models import ApprovalRule, Deployment
from devices.models import Client, Device, DeviceGroup

#: A thing: the name of its noun, and its key.
Thing = tuple[str, int]
#: Whoever may be asked for permissions.
Person = User | AnonymousUser


@dataclass(frozen=True, slots=True)
class Noun:
    """A kind of thing; its model has pages in the portal."""

    words: str
    model: type[Model]

    @property
    def label(self) -> tuple[str, str]:
        """App and model, as the admin's log names them."""
        return self.model._meta.app_label, str(self.model._meta.model_name)

    @property
    def permission(self) -> str:
        """What somebody needs who wants to see the thing."""
        app, model = self.label
        return f"{app}.view_{model}"

    def address(self, key: int) -> str:
        """The page of the thing with this key."""
        app, model = self.label
        return reverse(f"admin:{app}_{model}_change", args=[key])


#: In the order of the menu, by the name that stands in the address.
NOUNS: dict[str, Noun] = {
    "deployment": Noun("Deployment", Deployment),
    "application": Noun("Application", Application),
    "version": Noun("Application version", ApplicationVersion),
    "device": Noun("Device", Device),
    "group": Noun("Group", DeviceGroup),
    "client": Noun("Client", Client),
    "person": Noun("Person", User),
    "rule": Noun("Approval rule", ApprovalRule),
}
_THING = re.compile(r"([a-z]+)-(\d{1,18})", re.ASCII)
_BY_LABEL = {noun.label: name for name, noun in NOUNS.items()}


def name_of(app: str | None, model: str | None) -> str:
    """The name of the noun with this app and model; empty for any other."""
    return _BY_LABEL.get((app or "", model or ""), "")


def thing_of(text: str) -> Thing | None:
    """The thing that an address names, as in "device-17"; None for what names none."""
    match = _THING.fullmatch(text)
    return (match[1], int(match[2])) if match and match[1] in NOUNS else None


def title_of(thing: Thing) -> str:
    """What a thing is called; its number where it is gone."""
    found = NOUNS[thing[0]].model._default_manager.filter(pk=thing[1]).first()
    return str(found) if found else f"number {thing[1]}, which is gone"


def addresses(things: Iterable[Thing], person: Person) -> dict[Thing, str]:
    """The pages of those of the things that are still there and that the person may see.

    One query, however many things and kinds of things.
    """
    keys: dict[str, set[int]] = defaultdict(set)
    for name, key in things:
        if name in NOUNS and person.has_perm(NOUNS[name].permission):
            keys[name].add(key)
    if not keys:
        return {}
    first, *others = [_there(name, found) for name, found in keys.items()]
    return {(name, key): NOUNS[name].address(key) for name, key in first.union(*others, all=True)}


def _there(name: str, keys: set[int]) -> QuerySet[Model, Thing]:
    found = NOUNS[name].model._default_manager.filter(pk__in=keys).order_by()
    return found.values_list(Value(name, output_field=CharField()), "pk")
