"""The processes that are measured, with the environment of a deployment."""

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.management import call_command

from benchmarks.http.nginx import Nginx
from benchmarks.parts import Database, start_database, start_redis
from benchmarks.processes import cpu_seconds
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
        """Seconds of CPU that it has used, with its workers and their decoders."""
        return cpu_seconds(self.child.process.pid)


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


def prepare(reaper: Reaper) -> tuple[Path, Database]:
    """Start the database and Valkey, set this process up as one of the service's; migrate."""
    database = start_database(reaper, _POSTGRES)
    folder = reaper.make_folder("tintype-bench-")
    (folder / "staticfiles").mkdir()
    os.environ |= {
        "DATABASE_URL": database.url,
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
        # Of this process, which makes links by the thousand.
        "LOG_LEVEL": "WARNING",
        "BENCH_HEADERS": str(folder / "headers.json"),
    }
    django.setup()
    call_command("migrate", verbosity=0)
    # Pages name hashed files, which are collected when an image is built.
    call_command("collectstatic", interactive=False, verbosity=0)
    return folder, database


def start(reaper: Reaper, folder: Path) -> Servers:
    """Start everything; returns when all of it listens."""
    pictures = folder / "images"
    pictures.mkdir(exist_ok=True)
    web, bare = (
        _granian(reaper, folder, "config.wsgi"),
        _granian(reaper, folder, "benchmarks.http.bare"),
    )
    floor = _granian(reaper, folder, "benchmarks.http.floor")
    return Servers(
        web=web,
        web2=_granian(reaper, folder, "config.wsgi", workers=2),
        kept=_granian(reaper, folder, "config.wsgi", CACHE_SECONDS="15"),
        bare=bare,
        bare_drf=_granian(reaper, folder, "benchmarks.http.bare_drf"),
        floor=floor,
        nginx=Nginx(reaper, web=web.port, bare=bare.port, queries=floor.port, pictures=pictures),
    )


def _granian(
    reaper: Reaper, folder: Path, module: str, *, workers: int = 1, **settings: str
) -> Server:
    [port] = free_ports(1)
    options = [*_GRANIAN, f"--port={port}", f"--workers={workers}"]
    command = [sys.executable, "-m", "granian", *options, f"{module}:application"]
    # What is measured writes its log as a deployment's does.
    env = {**os.environ, "LOG_LEVEL": "INFO", **settings}
    with (folder / "log").open("ab") as output:
        child = Child.start(reaper, module, command, env=env, output=output)
    wait_until(lambda: listens(port), module, child=child)
    return Server(child, port)
