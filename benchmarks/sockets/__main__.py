"""`./dev bench sockets [SECONDS]`: compares the service with a bare uvicorn echo.

Uses DATABASE_URL and REDIS_URL where they are set, else private servers.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.management import call_command

from benchmarks.parts import start_database, start_redis
from benchmarks.sockets.clients import echo, listen, open_all
from devkit.children import Child, Reaper
from tests.servers.ports import free_ports, listens, wait_until

SECONDS, RATE, SOCKETS = 20, 100.0, 1000
ROOT = Path(__file__).resolve().parent.parent.parent
UVICORN = ["--lifespan=off", "--log-level=warning", "--ws-per-message-deflate=false"]


@dataclass
class Server:
    """A uvicorn process."""

    child: Child
    url: str

    @property
    def kib(self) -> int:
        """Resident memory."""
        status = Path(f"/proc/{self.child.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


def main(seconds: int) -> None:
    with ExitStack() as stack:
        reaper = stack.enter_context(Reaper())
        _prepare(reaper, stack.enter_context(tempfile.TemporaryDirectory()))
        print(f"{SOCKETS} sockets, {RATE:.0f} events a second for {seconds} s\n")
        for fan in (1, 20):
            ours = asyncio.run(_measure_service(reaper, fan, seconds))
            floor = asyncio.run(_measure_echo(reaper, fan, seconds))
            _report(fan, ours, floor)


def _prepare(reaper: Reaper, folder: str) -> None:
    os.environ |= {
        "DATABASE_URL": start_database(reaper),
        "REDIS_URL": start_redis(reaper),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOCAL": "on",
        "DATA_DIR": folder,
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    django.setup()
    call_command("migrate", verbosity=0)


def _start_server(reaper: Reaper, application: str) -> Server:
    [port] = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", f"--port={port}", *UVICORN, application]
    child = Child.start(reaper, "uvicorn", command, env=os.environ, cwd=ROOT)
    wait_until(lambda: listens(port), application, child=child)
    return Server(child, f"ws://127.0.0.1:{port}/ws/pictures/")


@dataclass
class Result:
    """Figures of one server; delays in seconds."""

    kib_per_socket: float
    delays: list[float]
    lost: int = 0

    def quantile(self, share: float) -> float:
        """Return a quantile of the delays, in milliseconds."""
        return sorted(self.delays)[int(share * (len(self.delays) - 1))] * 1000


async def _measure_service(reaper: Reaper, fan: int, seconds: int) -> Result:
    from asgiref.sync import sync_to_async

    from benchmarks.sockets.people import make_people

    people = await sync_to_async(make_people)(SOCKETS // fan)
    server = _start_server(reaper, "config.asgi:application")
    async with AsyncExitStack() as stack:
        await _warm_up(server, people[0][1])
        tokens = [token for _, token in people for _ in range(fan)]
        before = server.kib
        sockets = await open_all(stack, server.url, tokens)
        await asyncio.sleep(2)
        cost = (server.kib - before) / SOCKETS
        received: list[tuple[str, float]] = []
        listening = asyncio.create_task(listen(sockets, received))
        commits = await asyncio.to_thread(_run_writer, [user for user, _ in people], seconds)
        await asyncio.sleep(2)
        listening.cancel()
    server.child.stop(10)
    delays = [at - commits[event] for event, at in received if event in commits]
    return Result(cost, delays, lost=len(commits) * fan - len(delays))


async def _measure_echo(reaper: Reaper, fan: int, seconds: int) -> Result:
    server = _start_server(reaper, "benchmarks.sockets.echo:application")
    async with AsyncExitStack() as stack:
        await _warm_up(server, "none")
        before = server.kib
        sockets = await open_all(stack, server.url, ["none"] * SOCKETS)
        await asyncio.sleep(2)
        cost = (server.kib - before) / SOCKETS
        trips = await echo(sockets, fan, int(seconds * RATE), RATE)
    server.child.stop(10)
    return Result(cost, trips)


async def _warm_up(server: Server, token: str) -> None:
    """Open ten sockets, so that the server has loaded all it needs before memory is measured."""
    async with AsyncExitStack() as stack:
        await open_all(stack, server.url, [token] * 10)
    await asyncio.sleep(0.5)


def _run_writer(owners: list[str], seconds: int) -> dict[str, float]:
    count = str(int(seconds * RATE))
    command = [sys.executable, "-m", "benchmarks.sockets.writer", count, str(RATE)]
    done = subprocess.run(
        command, cwd=ROOT, input="\n".join(owners), capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _report(fan: int, ours: Result, floor: Result) -> None:
    print(f"{SOCKETS // fan} accounts, {fan} socket(s) each; {len(ours.delays)} deliveries")
    rows = [
        ("KiB per idle socket", ours.kib_per_socket, floor.kib_per_socket),
        ("commit to receipt, p50 ms", ours.quantile(0.5), floor.quantile(0.5)),
        ("commit to receipt, p99 ms", ours.quantile(0.99), floor.quantile(0.99)),
    ]
    print(f"  {'':28} {'ours':>8} {'echo':>8} {'ratio':>6}")
    for name, own, echoed in rows:
        print(f"  {name:28} {own:8.1f} {echoed:8.1f} {own / echoed:6.1f}")
    print(f"  lost: {ours.lost}\n", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
