"""Reports a second: eight processes with a connection each, for devices that tell each step."""

import multiprocessing
import time
from multiprocessing.synchronize import Barrier

CONNECTIONS = 8
#: So many reports at least are measured, however few devices there are.
REPORTS = 2000
#: Components whose installation a device tells one by one, so that each report is news.
PARTS = 20

#: What a device reports about: the keys of its client, its deploymentId and its manifest version.
Told = tuple[int, str]


def reports_a_second(devices: list[Told]) -> float:
    """How many reports are taken in each second, by all connections together."""
    rounds = min(PARTS, max(1, REPORTS // len(devices)))
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(CONNECTIONS)
    ends = context.Queue()
    processes = [
        context.Process(target=_tell, args=(devices[one::CONNECTIONS], rounds, together, ends))
        for one in range(CONNECTIONS)
    ]
    for process in processes:
        process.start()
    times = [ends.get(timeout=300) for _ in processes]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0, "A process that reports has failed."
    begun, ended = min(begun for begun, _ in times), max(ended for _, ended in times)
    return len(devices) * rounds / (ended - begun)


def _tell(devices: list[Told], rounds: int, together: Barrier, ends: multiprocessing.Queue) -> None:
    import django

    django.setup()
    from django.utils import timezone

    from deployments import reports
    from deployments.states import Status
    from devices.models import Client

    clients = Client.objects.in_bulk([client for client, _ in devices])
    together.wait(120)
    begun = time.time()
    for done in range(1, rounds + 1):
        parts = tuple(
            reports.Component(f"part-{one}", Status.INSTALLED if one < done else Status.PENDING)
            for one in range(PARTS)
        )
        for client_pk, uid in devices:
            client = clients[client_pk]
            report = reports.Report(Status.INSTALLING, client.manifest_version, parts)
            reports.receive(client, uid, report, now=timezone.now())
    ends.put((begun, time.time()))
