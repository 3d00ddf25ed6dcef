"""The demo's three people and their passwords, which are kept to be shown again."""

import os
import secrets
from pathlib import Path

from django.db import transaction

from accounts.models import User
from accounts.roles import Role, assign


def prepare(keep_in: Path) -> dict[str, str]:
    """Make sure of a person for each role, and return the passwords by name.

    A password that was changed in the portal since is left alone, and so no longer the one
    that is kept.
    """
    kept = _read(keep_in)
    passwords = {role.value: kept.get(role.value, secrets.token_urlsafe(9)) for role in Role}
    if passwords != kept:
        _write(keep_in, passwords)
    for role in Role:
        _make(role, passwords[role.value], anew=role.value not in kept)
    return passwords


def _make(role: Role, password: str, *, anew: bool) -> None:
    user = User.objects.filter(username=role.value).first()
    if user is not None and not anew:
        return
    user = user or User(username=role.value)
    user.set_password(password)
    with transaction.atomic():
        user.save()
        assign(user, role)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return {words[0]: words[1] for words in lines if len(words) == 2}


def _write(path: Path, passwords: dict[str, str]) -> None:
    """Replace the file at once, readable by its owner alone."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(f"{name} {password}\n" for name, password in passwords.items())
    fresh.replace(path)
