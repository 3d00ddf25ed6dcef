"""Runs the measurements named on the command line, or all, and writes build/bench/NAME.json."""

import importlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

NAMES = ("demo", "rollout", "engine")
RESULTS = Path(__file__).resolve().parents[2] / "build" / "bench"


def main(chosen: list[str]) -> None:
    """Measure, print, keep."""
    for name in chosen or NAMES:
        rows = importlib.import_module(f"tests.bench.{name}").measure()
        machine = {
            "python": platform.python_version(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "database": os.environ.get("LINESIDE_DATABASE_URL", "sqlite").partition(":")[0],
            "load": os.getloadavg()[0],
        }
        show(name, rows, machine)
        RESULTS.mkdir(parents=True, exist_ok=True)
        kept = {"at": datetime.now(UTC).isoformat(), "machine": machine, "rows": rows}
        (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n")


def show(name: str, rows: list[dict[str, object]], machine: dict[str, object]) -> None:
    """Print one table."""
    words = ", ".join(f"{key} {value}" for key, value in machine.items())
    lines = [f"\n{name} ({words})", f"  {'what':<58}{'measured':>12}  aim"]
    lines += [f"  {row['what']:<58}{row['measured']:>12}  {row.get('aim', '')}" for row in rows]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
