"""The threads in which sockets query the database, each with a connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

# Few, because each thread holds a database connection; all sockets of a process share them.
MAX_THREADS = 4

P = ParamSpec("P")
T = TypeVar("T")
_threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="sockets")


async def run_in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that blocks on the database or Redis outside the event loop."""
    run = database_sync_to_async(work, thread_sensitive=False, executor=_threads)
    result: T = await run(*args, **kwargs)
    return result
