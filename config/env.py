"""How settings are read from the environment: from NAME, or from the file NAME_FILE names."""

import logging
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The value of `name`, or the content of the file that `name`_FILE names, or the default.

    This and all the others raise ImproperlyConfigured, with a sentence that names the setting.
    """
    file_name = os.environ.get(f"{name}_FILE")
    if not file_name:
        return os.environ.get(name, default)
    try:
        return Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        message = f"{name}_FILE names {file_name}, which cannot be read: {reason}."
        raise ImproperlyConfigured(message) from None


def number(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number between `least` and `most`."""
    raw = text(name, str(default))
    # A few digits, all of them ASCII: int() reads much more than people mean.
    if raw.isascii() and raw.isdecimal() and len(raw) < 12 and least <= int(raw) <= most:
        return int(raw)
    message = f"{name} must be a whole number from {least} to {most}, not {raw!r}."
    raise ImproperlyConfigured(message)


def port(name: str, default: int) -> int:
    """A TCP port that can be listened on."""
    return number(name, default, least=1, most=65_535)


def choice(name: str, default: str, among: Collection[str]) -> str:
    """One of a few words."""
    if (raw := text(name, default)) in among:
        return raw
    message = f"{name} must be one of {', '.join(among)}, not {raw!r}."
    raise ImproperlyConfigured(message)


def log_level(name: str, default: str) -> str:
    """A level of Python's log, in capitals or not."""
    raw = text(name, default).upper()
    levels = logging.getLevelNamesMapping()
    if raw in levels:
        return raw
    message = f"{name} must be one of {', '.join(levels)}, not {raw!r}."
    raise ImproperlyConfigured(message)


def time_zone(name: str, default: str) -> str:
    """A time zone of the IANA database."""
    raw = text(name, default)
    try:
        return ZoneInfo(raw).key
    except (LookupError, ValueError, OSError):
        message = f"{name} must be a time zone such as Europe/Berlin, not {raw!r}."
        raise ImproperlyConfigured(message) from None


def address(name: str, default: str, schemes: Collection[str]) -> str:
    """A URL with a host and one of these schemes; empty only where the default is."""
    raw = text(name, default)
    if not raw and not default:
        return ""
    parts = split(name, raw)
    if parts.scheme in schemes and parts.hostname:
        return raw
    beginnings = " or ".join(f"{scheme}://" for scheme in schemes)
    message = f"{name} must begin with {beginnings} and name a host."
    raise ImproperlyConfigured(message)


def split(name: str, url: str) -> SplitResult:
    """The parts of a URL, whose port is one.

    The URL itself is not told: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        if parts.port != 0:
            return parts
    except ValueError:
        pass
    message = f"{name} must be a URL, and its port a number from 1 to 65535."
    raise ImproperlyConfigured(message)


def folder(path: Path) -> Path:
    """The folder itself, which is made unless it is there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = (
            f"LINESIDE_DATA_DIR must be a folder that can be written to: {path} cannot be made "
            f"({error.strerror})."
        )
        raise ImproperlyConfigured(message) from None
    return path


def flag(name: str, *, default: bool) -> bool:
    """A yes or no: 1, true, yes, on are yes; 0, false, no, off are no."""
    raw = text(name, "1" if default else "0").lower()
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off", ""}:
        return False
    message = f"{name} must be 1 or 0, not {raw!r}."
    raise ImproperlyConfigured(message)


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty members."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def secret(name: str, keep_in: Path) -> str:
    """The secret from the environment, else one made at the first start and kept in a 0600 file.

    Several processes may start at once: the file is created exclusively, and who comes second
    reads what the first one wrote.
    """
    if value := text(name):
        return value
    try:
        return _kept_secret(keep_in)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        message = f"{name} is not set, and cannot be kept in {keep_in}: {reason}."
        raise ImproperlyConfigured(message) from None


def _kept_secret(keep_in: Path) -> str:
    keep_in.parent.mkdir(parents=True, exist_ok=True)
    fresh = keep_in.with_suffix(f".{os.getpid()}")
    if not keep_in.exists():
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(fresh, keep_in)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return keep_in.read_text(encoding="utf-8").strip()


def database(name: str, data_dir: Path) -> dict[str, object]:
    """Django's database settings for a postgres:// URL; without one, SQLite in `data_dir`."""
    url = text(name)
    if not url:
        return sqlite(data_dir / "lineside.sqlite3", data_dir / "test.sqlite3")
    parts = split(name, url)
    if parts.scheme == "sqlite":
        return sqlite(Path(parts.path), data_dir / "test.sqlite3")
    if parts.scheme not in {"postgres", "postgresql"}:
        message = f"{name} must begin with postgres:// or sqlite:///."
        raise ImproperlyConfigured(message)
    if not parts.path.strip("/"):
        message = f"{name} must end with the name of a database."
        raise ImproperlyConfigured(message)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Compiling a statement takes longer than any of these runs: PostgreSQL does it by the cost
        # it estimates, and that is enormous where a transaction asks for look-ups by index.
        "OPTIONS": {"options": "-c jit=off"},
    }


def sqlite(path: Path, test_path: Path) -> dict[str, object]:
    """SQLite as the embedded mode wants it: write-ahead log, writers queue instead of failing.

    synchronous stays FULL: a report that was answered 200 must survive a power cut too.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        # Opening the file anew for every poll would cost more than the poll.
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
        "TEST": {"NAME": str(test_path)},
    }
