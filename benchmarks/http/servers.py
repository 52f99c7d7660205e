"""The processes that are measured, with the environment of a deployment."""

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.management import call_command

from benchmarks.http.nginx import Nginx
from benchmarks.parts import start_database, start_redis
from devkit.children import Child, Reaper
from tests.servers.ports import free_ports, listens, wait_until

HOST = "bench.example"
# As docker-compose.yml starts them.
_GRANIAN = ["--interface=wsgi", "--host=127.0.0.1", "--blocking-threads=4", "--log-level=warning"]
# Commits wait for the disk, as everywhere but in tests.
_POSTGRES = ["shared_buffers=1GB", "max_wal_size=4GB"]


@dataclass(frozen=True)
class Server:
    """A granian with its workers."""

    child: Child
    port: int

    @property
    def cpu(self) -> float:
        """Seconds of CPU that its whole session has used."""
        return session_cpu(self.child.process.pid)


@dataclass(frozen=True)
class Servers:
    """What is measured (`web`, `web2` with two workers) and what it is measured against."""

    web: Server
    web2: Server
    kept: Server
    bare: Server
    bare_drf: Server
    floor: Server
    nginx: Nginx


def prepare(reaper: Reaper) -> Path:
    """Start the database and Valkey, set this process up as one of the service's; migrate."""
    folder = reaper.make_folder("tintype-bench-")
    (folder / "staticfiles").mkdir()
    os.environ |= {
        "DATABASE_URL": start_database(reaper, _POSTGRES),
        "REDIS_URL": start_redis(reaper),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PUBLIC_URL": f"https://{HOST}",
        "DATA_DIR": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ACCEL_REDIRECT_PREFIX": "/protected/",
        # nginx, and the load generator in the place of a proxy before it.
        "TRUSTED_PROXIES": "2",
        # Every list is made anew; what keeping saves is measured by itself.
        "CACHE_SECONDS": "0",
    }
    django.setup()
    call_command("migrate", verbosity=0)
    # Pages name hashed files, which are collected when an image is built.
    call_command("collectstatic", interactive=False, verbosity=0)
    return folder


def start(reaper: Reaper, folder: Path) -> Servers:
    """Start everything; returns when all of it listens."""
    pictures = folder / "images"
    pictures.mkdir(exist_ok=True)
    web, bare = _granian(reaper, "config.wsgi"), _granian(reaper, "benchmarks.http.bare")
    floor = _granian(reaper, "benchmarks.http.floor")
    return Servers(
        web=web,
        web2=_granian(reaper, "config.wsgi", workers=2),
        kept=_granian(reaper, "config.wsgi", CACHE_SECONDS="15"),
        bare=bare,
        bare_drf=_granian(reaper, "benchmarks.http.bare_drf"),
        floor=floor,
        nginx=Nginx(reaper, web=web.port, bare=bare.port, queries=floor.port, pictures=pictures),
    )


def _granian(reaper: Reaper, module: str, *, workers: int = 1, **settings: str) -> Server:
    [port] = free_ports(1)
    options = [*_GRANIAN, f"--port={port}", f"--workers={workers}"]
    command = [sys.executable, "-m", "granian", *options, f"{module}:application"]
    env = {**os.environ, **settings}
    child = Child.start(reaper, module, command, env=env)
    wait_until(lambda: listens(port), module, child=child)
    return Server(child, port)


def session_cpu(leader: int) -> float:
    """Seconds of CPU used by the living processes of a session (Linux; proc(5))."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == leader:
            # Includes ended processes, once their parent has waited for them.
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
