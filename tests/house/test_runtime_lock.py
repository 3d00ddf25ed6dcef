"""What runs in a plant needs nothing but the runtime lock."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: What the processes load, some of it only when they start.
LOADED = (
    "config.asgi",
    "config.southbound",
    "config.serving.runner",
    "config.serving.servers",
    "config.serving.tasks",
    "kombu.transport.redis",
    "kombu.transport.memory",
    "celery.bin.celery",
    "celery.beat",
    "celery.concurrency.thread",
    "channels_redis.pubsub",
    "django.db.backends.postgresql.base",
    "devices.simulator.__main__",
    "uvicorn.protocols.websockets.websockets_impl",
)

BLOCKED_IMPORT = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is not in the runtime lock")
sys.meta_path.insert(0, Blocker())
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
import importlib
importlib.import_module({module!r})
"""


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def blocked() -> set[str]:
    """Top-level modules of packages that are installed here and not in the runtime lock."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    kept = {normalized(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    return {
        module
        for module, names in packages_distributions().items()
        if not kept & {normalized(name) for name in names}
    }


@pytest.mark.parametrize("module", LOADED)
def test_a_process_loads_without_the_packages_for_developers(module, tmp_path):
    program = BLOCKED_IMPORT.format(blocked=blocked(), module=module)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "LINESIDE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
