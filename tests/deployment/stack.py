"""Runs every process of docker-compose.yml from what the image would hold."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from devkit.children import Child, Reaper
from tests import waiting
from tests.deployment import certificate, compose
from tests.deployment.addresses import Addresses, start_parts
from tests.deployment.app import built_app, image_environment
from tests.deployment.compose import Service
from tests.processes import ROOT
from tests.servers import loaded_python
from tests.servers.nginx import Nginx, render_template
from tests.servers.ports import free_ports
from tests.servers.rabbitmq import ExternalRabbitMQ, RabbitMQ
from tests.waiting import T

HOST = "pictures.example.org"
TRUSTED_ORIGINS = f"https://{HOST},https://trusted.example.org:*"
# Our services that keep running, in the order in which they are started.
LONG_RUNNING = ("web", "sockets", "worker", "relay", "listen", "beat")
TIMEOUT = 90
# What Compose asks for.
_REQUIRED = ("SECRET_KEY", "PUBLIC_URL", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD")


@dataclass
class Stack:
    """A running deployment."""

    addresses: Addresses
    services: dict[str, Service]
    variables: dict[str, str]
    app: Path
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of nginx, without TLS."""
        return f"http://127.0.0.1:{self.addresses.http_port}"

    @property
    def certificate(self) -> Path:
        return self.addresses.folder / "certificate" / "fullchain.pem"

    def run(self, name: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's place to its end; its `python` is the loaded one."""
        service = self.services[name]
        environment = self.environment(name)
        programs = [str(Path(loaded_python.find()).parent), environment["PATH"]]
        return subprocess.run(
            self.addresses.adapt_command(service, command),
            cwd=self.app,
            env=environment | {"PATH": os.pathsep.join(programs)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def start(self, reaper: Reaper, name: str) -> None:
        service = self.services[name]
        with self.log(name).open("wb") as output:
            self.children[name] = Child.start(
                reaper,
                name,
                self.addresses.adapt_command(service, service.command),
                env=self.environment(name),
                cwd=self.app,
                output=output,
            )

    def environment(self, name: str) -> dict[str, str]:
        """The image's, then the service's; nothing of this machine but where programs are."""
        return image_environment(self.addresses.folder) | self.addresses.environment(
            self.services[name]
        )

    def is_healthy(self, name: str) -> bool:
        """Run a service's own health check; fails at once when it has ended."""
        child = self.children.get(name)
        assert child is None or child.is_running(), self.log(name).read_text()
        return self.run(name, self.services[name].healthcheck).returncode == 0

    def until(self, condition: Callable[[], T | None]) -> T:
        """Poll until the condition is true and return its value."""
        return waiting.until(condition, TIMEOUT, self.log_tails, interval=waiting.SERVICE_INTERVAL)

    def until_healthy(self, name: str) -> None:
        waiting.until(
            partial(self.is_healthy, name),
            TIMEOUT,
            self.log_tails,
            interval=waiting.START_INTERVAL,
        )

    def log_tails(self) -> str:
        return "\n".join(self.log(name).read_text()[-2000:] for name in self.children)

    def log(self, name: str) -> Path:
        return self.addresses.folder / f"{name}.log"

    def stop(self, name: str) -> int:
        """Stop a service as Compose does, and return the exit code."""
        child = self.children[name]
        child.send_signal()
        code = child.process.wait(TIMEOUT)
        child.end()
        return code


@contextmanager
def run_stack(
    reaper: Reaper, variables: dict[str, str], rabbitmq: RabbitMQ | ExternalRabbitMQ
) -> Iterator[Stack]:
    """Start everything as `docker compose up --wait` does, and end what is left at the end."""
    services = compose.services(variables)
    with start_parts(reaper, services["redis"], rabbitmq) as addresses:
        stack = Stack(addresses, services, variables, built_app())
        try:
            migrated = stack.run("migrate", services["migrate"].command)
            assert migrated.returncode == 0, migrated.stderr
            for name in LONG_RUNNING:
                stack.start(reaper, name)
            stack.children["nginx"] = start_nginx(reaper, stack).child
            for name in stack.children:
                stack.until_healthy(name)
            yield stack
        finally:
            for child in stack.children.values():
                child.end()


def start_nginx(reaper: Reaper, stack: Stack) -> Nginx:
    """With TLS, as docker-compose.tls.yml adds it."""
    addresses = stack.addresses
    certificate.write(stack.certificate.parent, HOST)
    tls = addresses.folder / "tls"
    tls.mkdir()
    changes = {
        "listen 8443": f"listen 127.0.0.1:{addresses.https_port}",
        "/etc/nginx/certificate/": f"{stack.certificate.parent}/",
    }
    (tls / "tls.conf").write_text(render_template(ROOT / "deploy" / "tls.conf", changes))
    configuration = nginx_conf(stack, addresses.http_port, tls)
    return Nginx(reaper, addresses.folder, configuration, addresses.http_port)


def nginx_conf(stack: Stack, port: int, tls: Path, changes: Mapping[str, str] | None = None) -> str:
    """What the image makes of the file that Compose mounts, with the ports and paths of here."""
    service = stack.services["nginx"]
    mounted = {
        target: ROOT / source
        for source, target, *_ in (volume.split(":") for volume in service.volumes)
    }
    template = mounted["/etc/nginx/templates/default.conf.template"]
    own_headers = "/etc/nginx/own-headers.conf"
    variables = {
        f"${{{name}}}": value
        for name, value in service.environment.items()
        if re.fullmatch(service.environment["NGINX_ENVSUBST_FILTER"], name)
    }
    here = variables | {
        "server web:8000 resolve": f"server 127.0.0.1:{stack.addresses.web_port}",
        "server sockets:8000 resolve": f"server 127.0.0.1:{stack.addresses.sockets_port}",
        "web:8001": f"127.0.0.1:{stack.addresses.health_port}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "/etc/nginx/tls/": f"{tls}/",
        own_headers: str(mounted[own_headers]),
        "alias /pictures/": f"alias {stack.addresses.pictures}/",
    }
    return render_template(template, {**here, **(changes or {})})


def start_nginx_alone(
    reaper: Reaper,
    folder: Path,
    web: int,
    changes: Mapping[str, str] | None = None,
    **settings: str,
) -> str:
    """Start nginx before services that listen at `web`, if anywhere; return its address."""
    port, sockets = free_ports(2)
    addresses = Addresses("", "", 0, web, sockets, port, 0, folder)
    stack = Stack(addresses, compose.services(dict.fromkeys(_REQUIRED, "x") | settings), {}, ROOT)
    Nginx(reaper, folder, nginx_conf(stack, port, folder / "tls", changes), port)
    return f"http://127.0.0.1:{port}"
