"""Pools of decoders that were taken over, and jobs for them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from images.sandbox.pool import Pool

PROGRAM = Path(__file__).with_name("hostile_program.py")


@contextmanager
def hostile_pool(size: int = 1) -> Iterator[Pool]:
    """A pool that works only where every wall stands."""
    pool = Pool(PROGRAM, size, ("--required",))
    try:
        yield pool
    finally:
        pool.stop()


def run(pool: Pool, operation: str, **arguments: Any) -> dict[str, Any]:
    """Run one operation with an input and an output, and return the whole reply."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output:
        given.write(b"a picture")
        given.flush()
        job = {"operation": operation, "arguments": arguments}
        return pool.run(job, [given.fileno(), output.fileno()])
