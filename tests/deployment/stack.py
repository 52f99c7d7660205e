"""Runs every process of docker-compose.yml from what the image would hold."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from devkit.children import Child, Reaper
from tests import waiting
from tests.deployment import certificate, compose
from tests.deployment.compose import Service
from tests.deployment.folders import Places, own_places
from tests.processes import ROOT
from tests.servers.nginx import Nginx, rendered
from tests.servers.rabbitmq import ExternalRabbitMQ, RabbitMQ

HOST = "pictures.example.org"
# The services that are ours and run on, in the order in which they are started.
LASTING = ("web", "sockets", "worker", "relay", "listen", "beat")
PATIENCE = 90
Answer = TypeVar("Answer")


@dataclass
class Stack:
    """A running deployment."""

    places: Places
    services: dict[str, Service]
    variables: dict[str, str]
    app: Path
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of nginx, without TLS."""
        return f"http://127.0.0.1:{self.places.http_port}"

    @property
    def certificate(self) -> Path:
        return self.places.folder / "certificate" / "fullchain.pem"

    def run(self, name: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's place to its end."""
        service = self.services[name]
        return subprocess.run(
            self.places.words(service, command),
            cwd=self.app,
            env=self.environment(name),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start(self, reaper: Reaper, name: str) -> None:
        service = self.services[name]
        with self.log(name).open("wb") as output:
            self.children[name] = Child.start(
                reaper,
                name,
                self.places.words(service, service.command),
                env=self.environment(name),
                cwd=self.app,
                output=output,
            )

    def environment(self, name: str) -> dict[str, str]:
        """The image's, then the service's; nothing of this machine but where programs are."""
        return in_image(self.places.folder) | self.places.environment(self.services[name])

    def is_healthy(self, name: str) -> bool:
        """Run a service's own health check; fails at once when it has ended."""
        child = self.children.get(name)
        assert child is None or child.is_running(), self.log(name).read_text()
        return self.run(name, self.services[name].healthcheck).returncode == 0

    def until(self, happened: Callable[[], Answer | None]) -> Answer:
        """Ask until there is an answer and return it."""
        return waiting.until(happened, PATIENCE, self.last_words)

    def last_words(self) -> str:
        return "\n".join(self.log(name).read_text()[-2000:] for name in self.children)

    def log(self, name: str) -> Path:
        return self.places.folder / f"{name}.log"

    def stop(self, name: str) -> int:
        """Ask for the end as Compose does, and return the exit code."""
        child = self.children[name]
        child.send_signal()
        code = child.process.wait(PATIENCE)
        child.end()
        return code


def in_image(folder: Path) -> dict[str, str]:
    """What a container has in its environment before Compose adds anything."""
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    fixed = {"PATH": os.pathsep.join(programs), "HOSTNAME": socket.gethostname()}
    return {**compose.image_variables(), **fixed, "TMPDIR": str(folder)}


@contextmanager
def running(
    reaper: Reaper, variables: dict[str, str], rabbitmq: RabbitMQ | ExternalRabbitMQ
) -> Iterator[Stack]:
    """Start everything as `docker compose up --wait` does, and end what is left at the end."""
    services = compose.services(variables)
    with own_places(reaper, services["redis"], rabbitmq) as places:
        stack = Stack(places, services, variables, built_app(places.folder))
        try:
            migrated = stack.run("migrate", services["migrate"].command)
            assert migrated.returncode == 0, migrated.stderr
            for name in LASTING:
                stack.start(reaper, name)
            stack.children["nginx"] = start_nginx(reaper, stack).child
            for name in stack.children:
                stack.until(partial(stack.is_healthy, name))
            yield stack
        finally:
            for child in stack.children.values():
                child.end()


def built_app(folder: Path) -> Path:
    """Copy what the image would hold and take its build step, with the packages that are here."""
    app = folder / "app"
    app.mkdir()
    for name in compose.image_paths():
        source, target = ROOT / name, app / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    step = compose.build_step("collectstatic")
    env = {**in_image(folder), "DATA_DIR": str(folder)}
    subprocess.run(["/bin/sh", "-c", step], cwd=app, env=env, check=True, capture_output=True)
    return app


def start_nginx(reaper: Reaper, stack: Stack) -> Nginx:
    """With TLS, as docker-compose.tls.yml adds it."""
    places = stack.places
    certificate.write(stack.certificate.parent, HOST)
    tls = places.folder / "tls"
    tls.mkdir()
    changes = {
        "listen 8443": f"listen 127.0.0.1:{places.https_port}",
        "/etc/nginx/certificate/": f"{stack.certificate.parent}/",
    }
    (tls / "tls.conf").write_text(rendered(ROOT / "deploy" / "tls.conf", changes))
    configuration = nginx_conf(stack, places.http_port, tls)
    return Nginx(reaper, places.folder, configuration, places.http_port)


def nginx_conf(stack: Stack, port: int, tls: Path, changes: Mapping[str, str] | None = None) -> str:
    """The file that Compose mounts, with the ports and paths of this machine."""
    [template] = [
        ROOT / volume.split(":")[0]
        for volume in stack.services["nginx"].volumes
        if ":/etc/nginx/conf.d/default.conf" in volume
    ]
    here = {
        "server web:8000": f"server 127.0.0.1:{stack.places.web_port}",
        "server sockets:8000": f"server 127.0.0.1:{stack.places.sockets_port}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "/etc/nginx/tls/": f"{tls}/",
        "alias /pictures/": f"alias {stack.places.pictures}/",
    }
    return rendered(template, {**here, **(changes or {})})
