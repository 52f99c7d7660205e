"""Work that threads do at the same time, each on a connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")


def run_in_parallel(works: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run each on a connection of its own, all starting together; returns what they return."""
    start = threading.Barrier(len(works), timeout=30)

    def run(work: Callable[[], Result]) -> Result:
        try:
            start.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))
