"""What it costs to freeze, start, release and judge a deployment, by the size of the fleet."""

import os
import time
from collections.abc import Callable

import django
from django.db import connection

SIZES = (1_000, 10_000)


def measure() -> list[dict[str, object]]:
    """Rows for each size, on a database made for the purpose."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        return [row for size in SIZES for row in at(size)]
    finally:
        connection.creation.destroy_test_db(str(before), verbosity=0)


def at(size: int) -> list[dict[str, object]]:
    """The rows of one size."""
    from deployments import engine, moves, submitting
    from tests.deployments import plant

    devices = plant.a_fleet(size)
    version = plant.a_version(app_id=f"app-{size}")
    draft = plant.a_draft(devices, version)
    rows = [
        timed(
            f"submit for {size} devices, s",
            lambda: submitting.submit(draft, actor=None, now=plant.NOON),
        ),
        timed(
            f"start for {size} devices, s",
            lambda: moves.start(draft, actor=None, now=plant.NOON),
        ),
        timed(f"release {size} devices, s", lambda: engine.tick(draft.pk, now=plant.NOON)),
    ]
    plant.install(devices[0])
    rows.append(
        timed(
            f"judge one report among {size}, s",
            lambda: engine.tick(draft.pk, now=plant.after(1)),
        )
    )
    return rows


def timed(what: str, work: Callable[[], object]) -> dict[str, object]:
    """One row: how long the work took."""
    begun = time.monotonic()
    work()
    return {"what": what, "measured": round(time.monotonic() - begun, 3)}
