"""Where the host names and paths of docker-compose.yml are on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devkit import valkey
from devkit.children import Child, Reaper
from tests.deployment.compose import Service
from tests.processes import ROOT
from tests.servers.databases import fresh_database
from tests.servers.ports import free_ports, listens, wait_until
from tests.servers.rabbitmq import ExternalRabbitMQ, RabbitMQ

DATABASE = "tintype_deployment"
VHOST = "deployment"


@dataclass(frozen=True)
class Addresses:
    """Addresses of the parts, and the ports that the containers would have for themselves."""

    database: str
    broker: str
    redis_port: int
    web_port: int
    sockets_port: int
    http_port: int
    https_port: int
    folder: Path
    # Of web and of sockets, which have a network of their own each as containers.
    health_port: int = 0
    sockets_health_port: int = 0

    @property
    def pictures(self) -> Path:
        """The volume that web, worker and nginx share."""
        return self.folder / "pictures"

    def environment(self, service: Service) -> dict[str, str]:
        """The service's own, with the parts where they are here; its port bears its usual name."""
        given = dict(service.environment)
        redis = given.get("REDIS_URL", "").replace("@redis/", f"@127.0.0.1:{self.redis_port}/")
        here = {"DATABASE_URL": self.database, "AMQP_URL": self.broker, "REDIS_URL": redis}
        given |= {name: place for name, place in here.items() if name in given}
        for name in {"PULSE_FILE", "METRICS_DIR"} & set(given):
            given[name] = self.adapt_command(service, [given[name]])[0]
        for volume in service.volumes:
            source, target, *_ = volume.split(":")
            given |= {name: str(ROOT / source) for name in given if given[name] == target}
        if "HEALTH_PORT" in given:
            is_web = service.name == "web"
            given["HEALTH_PORT"] = str(self.health_port if is_web else self.sockets_health_port)
        given |= {"GRANIAN_PORT": str(self.web_port), "UVICORN_PORT": str(self.sockets_port)}
        return given | {"DATA_DIR": str(self.data_of(service))}

    def adapt_command(self, service: Service, command: list[str]) -> list[str]:
        """A command with container ports and the container's own folders put here."""
        port = self.sockets_port if service.name == "sockets" else self.web_port
        changes = {"8000": str(port), "127.0.0.1:8080": f"127.0.0.1:{self.http_port}"}
        changes["/tmp/"] = f"{self.data_of(service)}/"  # noqa: S108 (the container's own)
        for container, here in changes.items():
            command = [word.replace(container, here) for word in command]
        return command

    def data_of(self, service: Service) -> Path:
        """Each container has a /data of its own; the volume is inside where it is mounted."""
        folder = self.folder / service.name
        folder.mkdir(exist_ok=True)
        if "pictures:/data/images" in service.volumes and not (folder / "images").is_symlink():
            (folder / "images").symlink_to(self.pictures)
        return folder


@contextmanager
def start_parts(
    reaper: Reaper, redis: Service, rabbitmq: RabbitMQ | ExternalRabbitMQ
) -> Iterator[Addresses]:
    """A database, a virtual host and a Redis for the deployment alone."""
    folder = reaper.make_folder("tintype-deployment-")
    (folder / "pictures").mkdir()
    port, web, sockets, http, https, *health = free_ports(7)
    _start_redis(reaper, redis, folder, port)
    # The migration of a new database is what made the template.
    template = os.environ.get("TEST_TEMPLATE", "")
    with fresh_database(os.environ["DATABASE_URL"], DATABASE, template) as database:
        broker = _own_broker(rabbitmq)
        yield Addresses(database, broker, port, web, sockets, http, https, folder, *health)


def _own_broker(rabbitmq: RabbitMQ | ExternalRabbitMQ) -> str:
    if isinstance(rabbitmq, ExternalRabbitMQ):
        return rabbitmq.url
    rabbitmq.start()
    everything = '<<".*">>, <<".*">>, <<".*">>'
    rabbitmq.evaluate(
        f'rabbit_vhost:add(<<"{VHOST}">>, <<"tests">>)',
        "rabbit_auth_backend_internal:set_permissions("
        f'<<"tintype">>, <<"{VHOST}">>, {everything}, <<"tests">>)',
    )
    return rabbitmq.url_of(VHOST)


def _start_redis(reaper: Reaper, redis: Service, folder: Path, port: int) -> None:
    """Its own command, with the server that is here."""
    data = folder / "redis"
    data.mkdir()
    command = [str(valkey.find().path), *redis.command[1:]]
    command += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(data)]
    child = Child.start(reaper, "redis", [*command, "--logfile", str(data / "log")])
    wait_until(lambda: listens(port), "redis", child=child)
