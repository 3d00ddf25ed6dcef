"""What each role is offered on the page of each noun: its buttons, and links that look like one."""

import re

import pytest
from django.utils.html import strip_tags

from accounts.roles import Role
from tests import cast
from tests.portal.doors import DOORS, SHOWN, Door

BUTTON = re.compile(
    r'<button\b[^>]*type="submit"[^>]*>(.*?)</button>'
    r'|<a\b[^>]*class="[^"]*(?:button-|deletelink)[^"]*"[^>]*>(.*?)</a>'
    r'|<input\b[^>]*type="submit"[^>]*value="([^"]*)"',
    re.DOTALL,
)
NOUNS = {
    "device": "devices_device_change",
    "group": "devices_devicegroup_change",
    "version": "applications_applicationversion_change",
    "application": "applications_application_change",
    "client": "devices_client_change",
    "rule": "deployments_approvalrule_change",
    "person": "accounts_user_change",
}
#: In the order of the page; None where the page is closed to the role.
OFFERED: dict[str, dict[Role, list[str] | None]] = {
    "device": {
        Role.VIEWER: [],
        Role.OPERATOR: ["History", "Roll back this device…", "Save labels"],
        Role.ADMIN: ["Retire…", "History", "Roll back this device…", "Save labels"],
    },
    "group": {
        Role.VIEWER: [],
        Role.OPERATOR: ["Deploy to this group", "History", "Save"],
        Role.ADMIN: ["Deploy to this group", "History", "Save", "Delete"],
    },
    "version": {
        Role.VIEWER: [],
        Role.OPERATOR: ["Deploy", "History"],
        Role.ADMIN: ["Deploy", "Deprecate…", "History"],
    },
    "application": {
        Role.VIEWER: [],
        Role.OPERATOR: ["Deploy 1.0.0", "History"],
        Role.ADMIN: ["Deploy 1.0.0", "Import a package", "History"],
    },
    "client": {
        Role.VIEWER: None,
        Role.OPERATOR: ["History"],
        Role.ADMIN: ["Retire…", "History"],
    },
    "rule": {
        Role.VIEWER: None,
        Role.OPERATOR: None,
        Role.ADMIN: ["History", "Save", "Delete"],
    },
    "person": {
        Role.VIEWER: None,
        Role.OPERATOR: ["History"],
        Role.ADMIN: ["Set a new password", "History", "Save"],
    },
}


def door_of(noun: str) -> Door:
    return next(one for one in DOORS if one.route == NOUNS[noun] and one.method == "get")


def buttons(text: str) -> list[str]:
    _, _, main = text.partition("<main")
    found = (
        next(filter(None, words), "") for words in BUTTON.findall(main.partition("</main>")[0])
    )
    # Behind a button's words may stand, in brackets, what it is for.
    return [" ".join(strip_tags(one).split()).partition(" (")[0] for one in found]


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("noun", list(NOUNS))
def test_a_role_is_offered_what_it_may_do_and_nothing_else(
    noun: str, role: Role, keys: dict[str, int]
) -> None:
    door = door_of(noun)
    answer = cast.sign_in(cast.person(role)).get(door.address(keys))
    assert answer.status_code == getattr(door, role.value)
    found = buttons(answer.content.decode()) if answer.status_code == SHOWN else None
    assert found == OFFERED[noun][role]
