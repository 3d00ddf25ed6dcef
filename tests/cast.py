"""Who appears in the tests: a person for each role, and devices in a few words."""

from datetime import UTC, datetime
from functools import cache

from django.contrib.auth.hashers import make_password
from django.test import Client as Browser

from accounts.models import User
from accounts.roles import Role, assign
from devices import labels
from devices.models import Client, Device

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


def person(role: Role | None, name: str = "") -> User:
    """Somebody with this role, or with none."""
    name = name or (role.value if role else "nobody")
    user = User.objects.create(username=name, password=hashed())
    if role:
        assign(user, role)
    return user


def invited(role: Role, name: str) -> User:
    """Somebody who has not set a password yet."""
    user = person(role, name)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    return user


@cache
def hashed() -> str:
    """The password as stored; hashing it is slow on purpose, so it is done once."""
    return make_password(PASSWORD)


def viewer() -> User:
    """Looks and changes nothing."""
    return person(Role.VIEWER)


def operator() -> User:
    """Rolls out."""
    return person(Role.OPERATOR)


def admin() -> User:
    """Also keeps the catalogue, the clients and the people."""
    return person(Role.ADMIN)


def sign_in(user: User) -> Browser:
    """A browser in which this person has signed in."""
    browser = Browser()
    browser.force_login(user)
    return browser


def client(name: str, *, state: str = "accepted", seen: datetime | None = None) -> Client:
    """A client of the plant's trust domain."""
    return Client.objects.create(
        spiffe_id=f"spiffe://plant.example/margo/wfm/lineside/client/{name}",
        name=name,
        state=state,
        created_at=NOON,
        accepted_at=NOON if state == "accepted" else None,
        last_seen_at=seen,
    )


def device(of: Client, path: str, **labels_assigned: str) -> Device:
    """A device that has described itself, with these labels assigned."""
    made = Device.objects.create(
        client=of,
        path=path,
        vendor="Northwind",
        model_number="NX-40",
        serial_number=f"SN-{path}",
        created_at=NOON,
        capabilities_at=NOON,
        assigned_labels=labels_assigned,
    )
    labels.reindex(made)
    return made
