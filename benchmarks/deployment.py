"""The processes of a deployment, as docker-compose.yml starts them, each part's CPU told apart.

Nothing here or in what uses it knows the service's code: the tree that is measured may be another
commit's. What is asked for goes over HTTP and sockets, or is SQL.
"""

import os
import secrets
import subprocess
import sys

import psycopg
from psycopg import ClientCursor

from benchmarks.parts import TREE
from benchmarks.processes import cpu_seconds_of, own_cpu_seconds, pss_mib
from devkit import valkey
from devkit.children import Child, Reaper
from tests.deployment.compose import image_variables
from tests.servers.ports import free_ports, listens, wait_until
from tests.servers.postgres import Postgres
from tests.servers.rabbitmq import RabbitMQ, find

HOST = "bench.example"
# What nginx adds to a request.
AS_FROM_NGINX = {"Host": HOST, "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https"}
WEB_WORKERS, WORKER_THREADS = 2, 2
# Commits wait for the disk, as everywhere but in tests.
_POSTGRES = ["max_wal_size=4GB"]
_GRANIAN = ["--interface=wsgi", "--host=127.0.0.1", "--log-level=warning", "--blocking-threads=4"]
_UVICORN = ["--lifespan=off", "--log-level=warning", "--ws-per-message-deflate=false"]
DATABASE, BROKERS = "database", "brokers"


class Deployment:
    """PostgreSQL, RabbitMQ where it is installed, Valkey, and the service's own processes.

    Outputs of the service's processes lie in `folder`, by the names of the parts.
    """

    def __init__(self, reaper: Reaper, *, python: str = sys.executable, **settings: str) -> None:
        """Start what keeps data, and migrate; `python` runs the service."""
        self._python = python
        self._reaper = reaper
        self.folder = reaper.make_folder("tintype-bench-")
        self.parts: dict[str, list[Child]] = {}
        self.broker = "RabbitMQ" if find() else "Redis"
        self.database_url = self._start_database()
        self._env = self._environment(settings)
        self.run_in_service("manage.py", "migrate", "--verbosity=0")

    def start(self, *, workers: int = WEB_WORKERS) -> None:
        """Start the service's processes, and return when all of them are ready for work."""
        self.port, sockets = free_ports(2)
        self.sockets = f"127.0.0.1:{sockets}"
        options = [*_GRANIAN, f"--port={self.port}", f"--workers={workers}"]
        pooled = {"DATABASE_POOL": "on", "HTTP_THREADS": "4"}
        self._start("web", "config.web", *options, "config.wsgi:application", **pooled)
        asgi = [f"--port={sockets}", *_UVICORN, "config.asgi:application"]
        self._start("sockets", "uvicorn", *asgi, **pooled)
        celery = ["--app=config", "worker", "--pool=threads", f"--concurrency={WORKER_THREADS}"]
        self._start("worker", "celery", *celery, "--without-gossip", "--without-mingle")
        schedule = self.folder / "beat-schedule"
        self._start("beat", "celery", "--app=config", "beat", f"--schedule={schedule}")
        self._wait(self.port, "web")
        self._wait(sockets, "sockets")
        wait_until(self._has_heartbeat, "worker", child=self.parts["worker"][0])

    def stop(self, part: str) -> None:
        """End a part at once, whatever it is doing."""
        for child in self.parts.pop(part):
            child.end()

    def cpu(self) -> dict[str, float]:
        """Return seconds of CPU until now, by part."""
        named = [
            (part, each.process.pid) for part, children in self.parts.items() for each in children
        ]
        found = dict.fromkeys(self.parts, 0.0)
        for (part, _), seconds in zip(
            named, cpu_seconds_of([pid for _, pid in named]), strict=True
        ):
            found[part] += seconds
        return found

    def own_cpu(self, part: str) -> float:
        """Return seconds of CPU of a part's first process alone: a worker's without decoders."""
        return own_cpu_seconds(self.parts[part][0].process.pid)

    def memory(self) -> dict[str, float]:
        """Return MiB (PSS) by part."""
        return {
            part: sum(pss_mib(child.process.pid) for child in children)
            for part, children in self.parts.items()
        }

    def sql(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Run a statement and commit; return its rows."""
        with psycopg.connect(
            self.database_url, autocommit=True, cursor_factory=ClientCursor
        ) as database:
            cursor = database.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def run_in_service(self, *arguments: str) -> None:
        """Run Python with the service's settings; what it prints is shown where it fails."""
        done = subprocess.run(
            [self._python, *arguments],
            env=self._env,
            cwd=TREE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}")

    def lines(self, part: str) -> list[str]:
        """Return what a part of the service has logged."""
        return (self.folder / f"{part}.log").read_text(errors="replace").splitlines()

    def _start_database(self) -> str:
        postgres = Postgres(self._reaper, _POSTGRES)
        postgres.start()
        child = postgres.child
        self.parts[DATABASE] = [child]
        return postgres.url_of("postgres")

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        server = valkey.Valkey(self._reaper, valkey.find())
        redis = server.start()
        server.wait(redis)
        self.parts[BROKERS] = [redis]
        self.redis_url = server.url
        found = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        found |= image_variables() | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": server.url,
            "PUBLIC_URL": f"https://{HOST}",
            "DATA_DIR": str(self.folder / "data"),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "SIGNUP_TIER": "Enterprise",
            "TRUSTED_PROXIES": "1",
            "RATE_LIMITS": "off",
        }
        if self.broker == "RabbitMQ":
            rabbitmq = RabbitMQ(self._reaper)
            self.parts[BROKERS].append(rabbitmq.child)
            found["AMQP_URL"] = rabbitmq.url
        return found | settings

    def _start(self, part: str, module: str, *options: str, **settings: str) -> None:
        with (self.folder / f"{part}.log").open("ab") as output:
            child = Child.start(
                self._reaper,
                part,
                [self._python, "-m", module, *options],
                env=self._env | settings,
                cwd=TREE,
                output=output,
            )
        self.parts[part] = [child]

    def _wait(self, port: int, part: str) -> None:
        try:
            wait_until(lambda: listens(port), part, child=self.parts[part][0])
        except RuntimeError as error:
            raise RuntimeError(f"{error}:\n" + "\n".join(self.lines(part)[-20:])) from None

    def _has_heartbeat(self) -> bool:
        rows = self.sql("select 1 from notifications_heartbeat where name = 'worker'")
        return bool(rows)
