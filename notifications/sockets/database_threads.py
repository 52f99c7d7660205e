"""Where sockets ask the database: a few threads, each with a connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

# Few, because each holds a database connection; a thousand sockets share them, none holds one.
THREADS = 4

P = ParamSpec("P")
T = TypeVar("T")
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sockets")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that asks the database or Redis beside the event loop."""
    run = database_sync_to_async(work, thread_sensitive=False, executor=_threads)
    result: T = await run(*args, **kwargs)
    return result
