"""Pools of decoders that were taken over, and jobs for them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from images.sandbox.pool import Pool

PROGRAM = Path(__file__).with_name("hostile_program.py")


@contextmanager
def hostile_pool(size: int = 1, flags: tuple[str, ...] = ()) -> Iterator[Pool]:
    """A pool that works only where every wall stands."""
    pool = Pool(PROGRAM, size, ("--required", *flags))
    try:
        yield pool
    finally:
        pool.stop()


def run(pool: Pool, operation: str, *, is_behind: bool = False, **arguments: Any) -> dict[str, Any]:
    """Run one operation with an input and an output, and return the whole reply."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output:
        given.write(b"a picture")
        given.flush()
        job = {"operation": operation, "arguments": arguments}
        return pool.run(job, [given.fileno(), output.fileno()], is_behind=is_behind)


def template_of(pool: Pool) -> int:
    """The process that forks: it is in the log of nobody, so the private parts are asked."""
    assert pool._current
    return pool._current._template._process.pid


def niceness(process: int) -> int:
    """As proc(5) tells it."""
    _, _, fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")
    return int(fields.split()[16])
