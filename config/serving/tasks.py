"""The Celery worker and beat, each in a thread of this process."""

import threading
from functools import partial

from celery import Celery
from celery.beat import Scheduler, Service
from celery.utils.nodenames import default_nodename
from celery.worker import WorkController, state

from config.serving.parts import Threaded

_THREADS = 4


def worker(app: Celery) -> Threaded:
    """Make a worker that carries out tasks in threads, which share this process's memory."""
    # WorkController rather than the command's Worker: that one wants the process's signals.
    hostname = default_nodename("")
    controller = WorkController(
        app=app,
        hostname=hostname,
        pool_cls="threads",
        concurrency=_THREADS,
        without_gossip=True,
        without_mingle=True,
    )
    return Threaded("worker", controller.start, lambda: _ask_to_stop(app, hostname))


def _ask_to_stop(app: Celery, hostname: str) -> None:
    # The worker looks at this between two messages; the number is its exit code.
    vars(state).update(should_stop=0)
    # From a thread, since a broker that is away would keep us waiting.
    wake = partial(_wake, app, hostname)
    threading.Thread(target=wake, name="stop the worker", daemon=True).start()


def _wake(app: Celery, hostname: str) -> None:
    # Without a message the worker would look in two seconds only, and once it has looked, it
    # still waits for one more.
    for _ in range(2):
        app.control.broadcast("ping", destination=[hostname])


def beat(app: Celery) -> Threaded:
    """Make the clock that sends the periodic tasks; it remembers nothing between two starts."""
    # Each tick finds its work in the rows, so there is no schedule file to keep.
    service = Service(app, scheduler_cls=Scheduler)
    return Threaded("beat", service.start, service.stop)
