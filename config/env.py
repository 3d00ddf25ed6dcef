"""How settings are read from the environment: from NAME, or from the file NAME_FILE names."""

import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The value of `name`, or the content of the file that `name`_FILE names, or the default."""
    if file_name := os.environ.get(f"{name}_FILE"):
        return Path(file_name).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def number(name: str, default: int) -> int:
    """A whole number; raises ImproperlyConfigured with a sentence for anything else."""
    raw = text(name, str(default))
    try:
        return int(raw)
    except ValueError:
        message = f"{name} must be a whole number, not {raw!r}."
        raise ImproperlyConfigured(message) from None


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


def database(url: str, data_dir: Path) -> dict[str, object]:
    """Django's database settings for a postgres:// URL; without one, SQLite in `data_dir`."""
    if not url:
        return sqlite(data_dir / "lineside.sqlite3", data_dir / "test.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(parts.path), data_dir / "test.sqlite3")
    if parts.scheme not in {"postgres", "postgresql"}:
        message = "LINESIDE_DATABASE_URL must begin with postgres:// or sqlite:///."
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
