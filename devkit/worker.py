"""The worker of a local run, and in a thread of it the scheduler: there is one of each.

A deployment runs both by Celery's command, the scheduler as a process of its own. That command
loads a terminal's toolkit, and checks that load every page and API: the web process of a local run
has made them. Together that is a third of a worker's memory.
"""

import logging
import os
import signal
import sys
import threading

from celery.beat import Service
from celery.signals import worker_ready, worker_shutting_down

from config.celery import app

logger = logging.getLogger(__name__)
# Seconds for which it sleeps at most, and so the longest that it goes on after a stop.
_MAX_INTERVAL = 1
os.environ.setdefault("CELERY_SKIP_CHECKS", "yes")


class _Scheduler(threading.Thread):
    """Sends what is due; the whole process ends with it, so that no schedule stops in silence."""

    def __init__(self) -> None:
        super().__init__(name="scheduler", daemon=True)
        self._service = Service(app, max_interval=_MAX_INTERVAL)
        worker_shutting_down.connect(self._stop)

    def run(self) -> None:
        try:
            self._service.start()
        except Exception:
            logger.exception("the scheduler ended")
            os.kill(os.getpid(), signal.SIGTERM)

    def _stop(self, **_: object) -> None:
        self._service.stop()


def main(threads: int) -> int:
    """Work until a stop signal; return the exit code."""
    scheduler = _Scheduler()
    # What is due at the first moment finds a worker that takes it.
    worker_ready.connect(lambda **_: scheduler.start(), weak=False)
    # Threads suffice: they only wait for the sandboxed processes that render.
    worker = app.Worker(
        pool_cls="threads",
        concurrency=threads,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
