"""The Celery worker and beat, each in a thread of this process."""

from celery import Celery
from celery.beat import Scheduler, Service
from celery.utils.nodenames import default_nodename
from celery.worker import WorkController, state

from config.serving.parts import Threaded

_THREADS = 4


def worker(app: Celery) -> Threaded:
    """Make a worker that carries out tasks in threads, which share this process's memory."""
    # WorkController rather than the command's Worker: that one wants the process's signals.
    controller = WorkController(
        app=app,
        hostname=default_nodename(None),
        pool_cls="threads",
        concurrency=_THREADS,
        without_gossip=True,
        without_mingle=True,
    )
    return Threaded("worker", controller.start, _ask_worker_to_stop)


def _ask_worker_to_stop() -> None:
    # The consumer looks at this between two messages; the number is its exit code.
    state.should_stop = 0


def beat(app: Celery) -> Threaded:
    """Make the clock that sends the periodic tasks; it remembers nothing between two starts."""
    # Each tick finds its work in the rows, so there is no schedule file to keep.
    service = Service(app, scheduler_cls=Scheduler)
    return Threaded("beat", service.start, service.stop)
