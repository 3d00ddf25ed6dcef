"""Runs many seeds outside of the tests, prints what happened and how often.

`python -m tests.simulation --seeds 10000 --processes 2`, or `--seed 17` to replay one.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> int:
    """0 when every seed held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--no-shrink", action="store_true", help="tell the whole seed")
    parser.add_argument("--processes", type=int, default=min(4, os.cpu_count() or 1))
    chosen = parser.parse_args()
    if chosen.seed is not None:
        chosen.first, chosen.seeds, chosen.processes = chosen.seed, 1, 1
    begun = time.monotonic()
    share = -(-chosen.seeds // chosen.processes)
    last = chosen.first + chosen.seeds
    parts = [range(one, min(one + share, last)) for one in range(chosen.first, last, share)]
    with ProcessPoolExecutor(len(parts)) as pool:
        done = list(pool.map(partial(worlds, shrinks=not chosen.no_shrink), parts))
    total = sum((counts for counts, _ in done), Counter())
    stories = [told for _, told in done for told in told]
    say(f"{chosen.seeds} seeds in {time.monotonic() - begun:.0f} s, {len(stories)} broke a rule")
    for name, number in sorted(total.items()):
        say(f"{number:10} {name}")
    for told in stories:
        say(f"\n{told}")
    return bool(stories)


def worlds(seeds: range, *, shrinks: bool) -> tuple[Counter[str], list[str]]:
    """One process's share, in a database of its own."""
    with tempfile.TemporaryDirectory(prefix="lineside-simulation-") as place:
        os.environ["LINESIDE_DATA_DIR"] = place
        return _worlds(seeds, shrinks=shrinks)


def _worlds(seeds: range, *, shrinks: bool) -> tuple[Counter[str], list[str]]:
    import django

    django.setup()
    from django.db import connection, transaction

    from tests.simulation import plant, running, shrinking
    from tests.simulation.steps import draw

    database = connection.creation.create_test_db(verbosity=0, serialize=False)
    total: Counter[str] = Counter()
    stories = []
    try:
        with transaction.atomic():
            built = plant.build()
            for seed in seeds:
                outcome = running.run_seed(built, seed)
                total.update(outcome.counts)
                if outcome.error is not None:
                    steps, last = draw(seed), outcome
                    if shrinks:
                        steps, last = shrinking.shrink(built, steps, outcome)
                    stories.append(shrinking.story(seed, steps, last))
            transaction.set_rollback(True)
    finally:
        connection.creation.destroy_test_db(database, verbosity=0)
    return total, stories


def say(line: str) -> None:
    """For the person who waits."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
