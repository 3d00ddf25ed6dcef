"""Runs a fleet of simulated Margo clients: `python -m devices.simulator --fleet FOLDER`."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from devices.simulator.fleet import load_clients, run
from devices.simulator.journal import Journal, last_outcomes
from devices.simulator.lifetime import end_with_parent
from devices.simulator.misbehaviour import MisbehaviourError
from devices.simulator.options import Options, OptionsError, read_options
from devices.simulator.state import StateError
from devices.simulator.surroundings import Surroundings
from devices.simulator.trust import TrustError, load_anchors

logger = logging.getLogger("devices.simulator")


def main(arguments: Sequence[str]) -> int:
    """Run the fleet of a command line to its end; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        options = read_options(arguments)
        if options.with_parent is not None:
            end_with_parent(options.with_parent)
        asyncio.run(_run(options))
    except (MisbehaviourError, OptionsError, StateError, TrustError) as refusal:
        logger.error("%s", refusal)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


async def _run(options: Options) -> None:
    anchors = load_anchors(options.fleet / "bundle.json")
    gate = asyncio.Semaphore(options.connects)
    path = options.fleet / "journal.jsonl"
    outcomes = last_outcomes(path)
    with Journal(path, lambda: datetime.now(UTC)) as journal:
        around = Surroundings(options, anchors, journal, gate, outcomes)
        clients = load_clients(around)
        if not options.quiet:
            logger.info("%s clients call %s.", len(clients), options.endpoint)
        await run(clients, around)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
