"""Runs the measurements named on the command line, or all, and writes build/bench/NAME.json."""

import argparse
import importlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

NAMES = ("demo", "rollout", "engine", "pages", "watching")
SIZES = "1000,10000,100000"
RESULTS = Path(__file__).resolve().parents[2] / "build" / "bench"


def main(arguments: list[str]) -> None:
    """Measure, print, keep."""
    chosen = parsed(arguments)
    for name in chosen.names or NAMES:
        part = importlib.import_module(f"tests.bench.{name}")
        rows = part.measure(chosen.sizes) if name == "engine" else part.measure()
        machine = {
            "python": platform.python_version(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "database": getattr(part, "DATABASE", None) or "sqlite",
            "load": round(os.getloadavg()[0], 1),
        }
        show(name, rows, machine)
        RESULTS.mkdir(parents=True, exist_ok=True)
        kept = {"at": datetime.now(UTC).isoformat(), "machine": machine, "rows": rows}
        (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n")


def parsed(arguments: list[str]) -> argparse.Namespace:
    """What to measure, and with fleets of which sizes."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="what to measure")
    parser.add_argument("--sizes", default=SIZES, help="fleets of the engine's part: 1000,10000")
    chosen = parser.parse_args(arguments)
    chosen.sizes = tuple(int(size) for size in chosen.sizes.split(","))
    return chosen


def show(name: str, rows: list[dict[str, object]], machine: dict[str, object]) -> None:
    """Print one table."""
    words = ", ".join(f"{key} {value}" for key, value in machine.items())
    lines = [f"\n{name} ({words})", f"  {'what':<66}{'measured':>10}{'CPU':>9}  aim"]
    lines += [
        f"  {row['what']:<66}{row['measured']:>10}{row.get('cpu', ''):>9}  {row.get('aim', '')}"
        for row in rows
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
