"""`./dev bench sockets [SECONDS]`: compares the service's ways with a bare uvicorn echo.

CPU is that of the server, and of the database (the writes included), for each delivery; idle work
is in both.

Uses BENCH_DATABASE_URL and BENCH_REDIS_URL where they are set, else private servers.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from benchmarks.parts import Database, start_database, start_redis
from benchmarks.sockets.clients import (
    Keys,
    Open,
    echo,
    listen,
    open_all,
    open_echo,
    open_events,
    open_polling,
    open_unbound,
    open_websocket,
)
from benchmarks.tables import note, show
from benchmarks.turns import turn
from devkit.children import Child, Reaper
from tests.servers.ports import free_ports, listens, wait_until

SECONDS, RATE, SOCKETS = 20, 100.0, 1000

UVICORN = ["--lifespan=off", "--log-level=warning", "--ws-per-message-deflate=false"]


@dataclass
class Server:
    """A uvicorn process."""

    child: Child
    address: str

    @property
    def kib(self) -> int:
        """Resident memory."""
        status = Path(f"/proc/{self.child.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all threads until now."""
        fields = Path(f"/proc/{self.child.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Result:
    """Figures of one server; delays in seconds."""

    opened_per_second: float
    kib_per_socket: float
    delays: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    # Where the database is this run's own.
    database_seconds: float | None = None
    # What was not there two seconds after the last write, and what one message showed with more.
    missing: int = 0
    shared: int = 0

    def quantile(self, share: float) -> float:
        """Return a quantile of the delays, in milliseconds."""
        return sorted(self.delays)[int(share * (len(self.delays) - 1))] * 1000

    def row(self) -> dict[str, float | None]:
        found: dict[str, float | None] = {
            "opened/s": self.opened_per_second,
            "KiB idle": self.kib_per_socket,
        }
        if self.delays:
            for name, seconds in (
                ("CPU ms", self.cpu_seconds),
                ("db CPU ms", self.database_seconds),
            ):
                found[name] = None if seconds is None else seconds * 1000 / len(self.delays)
            found |= {"p50 ms": self.quantile(0.5), "p99 ms": self.quantile(0.99)}
            found |= {
                "delivered": len(self.delays),
                "shared": self.shared,
                "missing": self.missing,
            }
        return found


@dataclass(frozen=True)
class Way:
    """A way in which events arrive."""

    name: str
    open: Open[Any]
    # Which of an event's two keys its clients tell.
    key: int = 0


EVENTS = Way("/ws/pictures/", open_events)
WEBSOCKET = Way("socket.io, WebSocket", open_websocket, key=1)
POLLING = Way("socket.io, polling", open_polling, key=1)
UNBOUND = Way("socket.io, not bound", open_unbound)
ECHO = Way("echo", open_echo)


def main(seconds: int) -> None:
    with ExitStack() as stack:
        reaper = stack.enter_context(Reaper())
        database = _prepare(reaper, stack.enter_context(tempfile.TemporaryDirectory()))
        note(f"{SOCKETS} sockets, {RATE:.0f} events a second for {seconds} s")
        # Twenty polls for each event are more than one process serves.
        for fan, ways in ((1, [EVENTS, WEBSOCKET, POLLING, UNBOUND]), (20, [EVENTS, WEBSOCKET])):
            rows = {}
            for way in [*ways, ECHO]:
                with turn():
                    result = asyncio.run(_measure(reaper, database, way, fan, seconds))
                rows[way.name] = result.row()
            show(f"{SOCKETS // fan} accounts, {fan} socket(s) each", rows)


def _prepare(reaper: Reaper, folder: str) -> Database:
    database = start_database(reaper)
    os.environ |= {
        "DATABASE_URL": database.url,
        "REDIS_URL": start_redis(reaper),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOCAL": "on",
        "DATA_DIR": folder,
        "SECRET_KEY": secrets.token_urlsafe(48),
        # So that clients may come from as many addresses as there are.
        "TRUSTED_PROXIES": "1",
    }
    django.setup()
    call_command("migrate", verbosity=0)
    return database


def _start_server(reaper: Reaper, application: str) -> Server:
    [port] = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", f"--port={port}", *UVICORN, application]
    child = Child.start(reaper, "uvicorn", command, env=os.environ)
    wait_until(lambda: listens(port), application, child=child)
    return Server(child, f"127.0.0.1:{port}")


async def _measure(reaper: Reaper, database: Database, way: Way, fan: int, seconds: int) -> Result:
    from asgiref.sync import sync_to_async

    from benchmarks.sockets.people import make_people

    people = await sync_to_async(make_people)(SOCKETS // fan)
    is_echo = way is ECHO
    application = "benchmarks.sockets.echo" if is_echo else "config.asgi"
    server = _start_server(reaper, f"{application}:application")
    async with AsyncExitStack() as stack:
        await _warm_up(server, way, people[0][1])
        tokens = [token for _, token in people for _ in range(fan)]
        before, started = server.kib, time.monotonic()
        sockets = await open_all(stack, way.open, server.address, tokens)
        rate = SOCKETS / (time.monotonic() - started)
        await asyncio.sleep(2)
        result = Result(rate, (server.kib - before) / SOCKETS)
        cpu, of_database = server.cpu_seconds, database.cpu
        if is_echo:
            result.delays = await echo(sockets, fan, int(seconds * RATE), RATE)
        elif way is not UNBOUND:
            await _deliver(result, way, sockets, [user for user, _ in people], fan, seconds)
        result.cpu_seconds = server.cpu_seconds - cpu
        now = database.cpu
        if of_database is not None and now is not None:
            result.database_seconds = now - of_database
    server.child.stop(10)
    return result


async def _deliver(
    result: Result, way: Way, sockets: list[Keys], owners: list[str], fan: int, seconds: int
) -> None:
    received: list[tuple[str, float]] = []
    listening = asyncio.create_task(listen(sockets, received))
    commits = await asyncio.to_thread(_run_writer, owners, seconds)
    await asyncio.sleep(2)
    listening.cancel()
    committed = {(number, shown)[way.key]: at for number, shown, at in commits}
    result.delays = [at - committed[key] for key, at in received if key in committed]
    # A message of socket.io may show several events: what counts is each account's last one.
    last = {key.partition(":")[0]: key for key in committed}
    shown = Counter(key for key, _ in received)
    result.missing = sum(fan - shown[key] for key in (last.values() if way.key else committed))
    result.shared = len(commits) * fan - len(result.delays) - result.missing


async def _warm_up(server: Server, way: Way, token: str) -> None:
    """Open ten sockets, so that the server has loaded all it needs before memory is measured."""
    async with AsyncExitStack() as stack:
        await open_all(stack, way.open, server.address, [token] * 10)
    await asyncio.sleep(0.5)


def _run_writer(owners: list[str], seconds: int) -> list[tuple[str, str, float]]:
    count = str(int(seconds * RATE))
    command = [sys.executable, "-m", "benchmarks.sockets.writer", count, str(RATE)]
    done = subprocess.run(
        command, input="\n".join(owners), capture_output=True, text=True, check=True
    )
    found: list[tuple[str, str, float]] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
