"""`./dev bench sockets [SECONDS]`: compares the service's ways with a bare uvicorn echo.

CPU is that of the server for each delivery, its idle work included.

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

from benchmarks.parts import start_database, start_redis
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
    # What was not there two seconds after the last write, and what one message showed with more.
    missing: int = 0
    shared: int = 0

    def quantile(self, share: float) -> float:
        """Return a quantile of the delays, in milliseconds."""
        return sorted(self.delays)[int(share * (len(self.delays) - 1))] * 1000


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
        _prepare(reaper, stack.enter_context(tempfile.TemporaryDirectory()))
        print(f"{SOCKETS} sockets, {RATE:.0f} events a second for {seconds} s\n")
        # Twenty polls for each event are more than one process serves.
        for fan, ways in ((1, [EVENTS, WEBSOCKET, POLLING, UNBOUND]), (20, [EVENTS, WEBSOCKET])):
            results = {
                way.name: asyncio.run(_measure(reaper, way, fan, seconds)) for way in [*ways, ECHO]
            }
            _report(fan, results)


def _prepare(reaper: Reaper, folder: str) -> None:
    os.environ |= {
        "DATABASE_URL": start_database(reaper).url,
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


def _start_server(reaper: Reaper, application: str) -> Server:
    [port] = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", f"--port={port}", *UVICORN, application]
    child = Child.start(reaper, "uvicorn", command, env=os.environ)
    wait_until(lambda: listens(port), application, child=child)
    return Server(child, f"127.0.0.1:{port}")


async def _measure(reaper: Reaper, way: Way, fan: int, seconds: int) -> Result:
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
        cpu = server.cpu_seconds
        if is_echo:
            result.delays = await echo(sockets, fan, int(seconds * RATE), RATE)
        elif way is not UNBOUND:
            await _deliver(result, way, sockets, [user for user, _ in people], fan, seconds)
        result.cpu_seconds = server.cpu_seconds - cpu
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


def _report(fan: int, results: dict[str, Result]) -> None:
    print(f"{SOCKETS // fan} accounts, {fan} socket(s) each")
    print(f"  {'':24} {'opened/s':>9} {'KiB idle':>9} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>8}")
    for name, each in results.items():
        line = f"  {name:24} {each.opened_per_second:9.0f} {each.kib_per_socket:9.1f}"
        if each.delays:
            cpu = each.cpu_seconds * 1000 / len(each.delays)
            line += f" {each.quantile(0.5):8.1f} {each.quantile(0.99):8.1f} {cpu:8.2f}"
            line += f"   {len(each.delays)} delivered, {each.shared} shared, {each.missing} missing"
        print(line)
    print(flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
