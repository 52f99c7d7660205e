"""The load generator: a closed loop over a few kept connections, in a process of its own.

Of the kept tools, wrk is in no package index that the development lock reaches, and those of the
Python index spend more CPU on a request than the service does. uvloop and httptools, which uvicorn
brings along, do it in some tens of microseconds.
"""

import asyncio
import itertools
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

import httptools
import uvloop


@dataclass(frozen=True)
class Load:
    """Which requests, written out, go where; one after the other on each connection."""

    port: int
    requests: list[bytes]
    connections: int
    seconds: float
    expects: int = 200


@dataclass
class Result:
    """What came of it: how long each answer took (seconds), the whole, and the client's own CPU."""

    delays: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    client_cpu: float = 0.0
    received: int = 0


class Generator:
    """The process; it lives as long as this one."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def run(self, load: Load) -> Result:
        """Send the load; raises RuntimeError at the first answer of another kind."""
        return self._pool.submit(send, load).result()

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


def send(load: Load) -> Result:
    """Send a load from this process."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    result = uvloop.run(_run_load(load))
    after = resource.getrusage(resource.RUSAGE_SELF)
    result.client_cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return result


async def _run_load(load: Load) -> Result:
    run = _Run(load)
    loop = asyncio.get_running_loop()
    for _ in range(load.connections):
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", load.port)
    await run.done
    run.result.elapsed = time.perf_counter() - run.begin
    return run.result


class _Run:
    """What the connections share."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.result = Result()
        self.requests = itertools.cycle(load.requests)
        self.begin = time.perf_counter()
        self.open = load.connections
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_over(self) -> bool:
        return time.perf_counter() - self.begin > self.load.seconds

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))

    def leave(self) -> None:
        """Count a connection that is done."""
        self.open -= 1
        if not self.open and not self.done.done():
            self.done.set_result(None)


class _Connection(asyncio.Protocol):
    """One kept connection; httptools calls the `on_` methods."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._is_finished = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's is one
        self._ask()

    def _ask(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._start = time.perf_counter()
        self._transport.write(next(self._run.requests))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._run.result.received += len(body)
        self._body = self._body or body

    def on_message_complete(self) -> None:
        self._run.result.delays.append(time.perf_counter() - self._start)
        status = self._parser.get_status_code()
        if status != self._run.load.expects:
            self._run.fail(f"{status} instead of {self._run.load.expects}: {self._body[:300]!r}")
        elif not self._run.is_over:
            self._ask()
            return
        self._is_finished = True
        self._transport.close()
        self._run.leave()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_finished:
            self._run.fail(f"a connection was lost: {exc}")
