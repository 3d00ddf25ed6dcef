"""Many clients in one process: who they are, what they share, and when they stop."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from pathlib import Path

from devices.simulator.client import Client
from devices.simulator.options import Options
from devices.simulator.profiles import devices_of
from devices.simulator.surroundings import Surroundings
from devices.simulator.trust import Identity, TrustError, load_identity

SUMMARY_SECONDS = 10.0

logger = logging.getLogger(__name__)


def load_clients(around: Surroundings) -> list[Client]:
    """The clients in the fleet's folder, in the order of their names.

    Raises TrustError if there is none or one is broken, StateError for a broken saved state.
    """
    options = around.options
    folders = sorted(path.parent for path in (options.fleet / "clients").glob("*/svid.pem"))
    (options.fleet / "state").mkdir(exist_ok=True)
    clients = [Client(identity, devices, around) for identity, devices in _crew(folders, options)]
    if not clients:
        raise TrustError(f"There are no clients in {options.fleet / 'clients'}.")
    return clients


async def run(clients: list[Client], around: Surroundings) -> None:
    """Let the clients live until a signal comes or the time is over."""
    stopped = _stop_on_signals()
    tasks = [_begin(client, around) for client in clients]
    if not around.options.quiet:
        tasks.append(asyncio.create_task(_summarise(len(clients), around)))
    try:
        async with asyncio.timeout(around.options.duration_seconds):
            await stopped.wait()
    except TimeoutError:
        logger.info("The time is over.")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _crew(folders: list[Path], options: Options) -> Iterator[tuple[Identity, list[str]]]:
    per_client = options.devices_per_client
    left = options.devices or len(folders) * per_client
    for folder in folders:
        if left <= 0:
            return
        identity = load_identity(folder)
        children = min(per_client, left) if per_client > 1 else 0
        yield identity, devices_of(identity.client_id, children)
        left -= max(children, 1)


def _begin(client: Client, around: Surroundings) -> asyncio.Task[None]:
    task = asyncio.create_task(client.live())

    def look_back(done: asyncio.Task[None]) -> None:
        # One client that breaks must be seen, and must not stop the others.
        if not done.cancelled() and (error := done.exception()):
            logger.error("The client %s broke.", client.name, exc_info=error)
            around.journal.write("broken", client.name, reason=repr(error))

    task.add_done_callback(look_back)
    return task


def _stop_on_signals() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


async def _summarise(clients: int, around: Surroundings) -> None:
    before = ""
    while True:
        await asyncio.sleep(SUMMARY_SECONDS)
        if (summary := around.summary()) != before:
            logger.info("%s clients: %s", clients, summary)
            before = summary
