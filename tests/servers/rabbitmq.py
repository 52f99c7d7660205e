"""A private RabbitMQ: AMQP_URL's, else the installed one with every path and port its own."""

import os
import secrets
import signal
import subprocess
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import pika
from pika.exceptions import AMQPError

from devkit.children import Child, Reaper, which
from tests.servers.ports import free_ports, listens, wait_until

# On PATH, Debian has a wrapper that only root and the user rabbitmq may start.
DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# An Erlang machine on a busy computer.
START_TIMEOUT = 180.0
COMMAND_TIMEOUT = 120.0
# A command does little; with threads for each core, which spin, it takes half as long again.
COMMAND_ARGUMENTS = "+S 1:1 +SDcpu 1:1 +SDio 1 +sbwt none +sbwtdcpu none +sbwtdio none"


class RabbitMQ:
    """A broker that a test may stop, kill and start again; its data and address stay."""

    def __init__(self, reaper: Reaper) -> None:
        program = find()
        if not program:
            raise RuntimeError("no RabbitMQ here")
        self._reaper = reaper
        self._program = program
        self._folder = reaper.make_folder("tintype-rabbitmq-")
        self._password = secrets.token_urlsafe(12)
        self.port, self._distribution_port, self._epmd_port = free_ports(3)
        self._write_settings()
        self._start_epmd()
        self.child = self._start_server()
        self.source = str(self._program)

    @property
    def url(self) -> str:
        return self.url_of("/")

    def url_of(self, vhost: str) -> str:
        return f"amqp://tintype:{self._password}@127.0.0.1:{self.port}/{quote(vhost, safe='')}"

    def start(self) -> None:
        """Start again after `stop` or `kill`, on the same data."""
        if not self.child.is_running():
            self.child = self._start_server()
        elif not listens(self.port):
            self.evaluate("rabbit:start()")
            self._wait_until_ready(self.child)

    def stop(self) -> None:
        """Stop in order: what is durable and written stays.

        The Erlang machine remains, whose start takes seconds of a core.
        """
        self.evaluate("rabbit:stop()")

    def kill(self) -> None:
        """End it without a warning, as a power failure does."""
        self.child.end()

    def restart(self) -> None:
        self.stop()
        self.start()

    def is_running(self) -> bool:
        return self.child.is_running()

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl, for example `control("add_vhost", "alice")`; return its output."""
        finished = self.run(["rabbitmqctl", "--quiet", *arguments])
        finished.check_returncode()
        return finished.stdout

    def evaluate(self, *expressions: str) -> str:
        """Do what commands of rabbitmqctl do, each without a machine of its own; return the last.

        Such a machine takes a third of a second of a core. Every expression but the last is to
        be `ok`, or the whole fails.
        """
        cookie = (self._folder / ".erlang.cookie").read_text().strip()
        name = self._variables()["RABBITMQ_NODENAME"]
        *others, last = expressions
        text = ", ".join([*(f"ok = {each}" for each in others), last])
        answer = self.run(["erl_call", "-sname", name, "-c", cookie, "-e"], text=f"{text}.\n")
        if not answer.stdout.startswith("{ok, "):
            raise RuntimeError(f"RabbitMQ refuses {text}: {answer.stdout}{answer.stderr}")
        return answer.stdout.removeprefix("{ok, ").removesuffix("}")

    def run(
        self, command: list[str], text: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as in the broker's container: its programs and its cookie are there."""
        own = self._variables()
        path = os.pathsep.join([str(self._program.parent), own["PATH"]])
        return subprocess.run(
            command,
            env={**own, "PATH": path, **variables},
            check=False,
            input=text,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
        )

    def _write_settings(self) -> None:
        (self._folder / "plugins").write_text("[].\n")
        (self._folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = 127.0.0.1:{self.port}\n"
            "default_user = tintype\n"
            f"default_pass = {self._password}\n"
            # A test machine's disk may be nearly full without blocking every publisher.
            "disk_free_limit.absolute = 1MB\n"
            "log.console.level = error\n"
        )

    def _variables(self) -> dict[str, str]:
        """Every path and port the broker would otherwise share with an installed one."""
        folder = self._folder
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            # Under this name the script becomes the server instead of waiting for it.
            "RUNNING_UNDER_SYSTEMD": "1",
            "RABBITMQ_CTL_ERL_ARGS": COMMAND_ARGUMENTS,
            "RABBITMQ_NODENAME": f"{folder.name}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "no-file"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
        }

    def _start_epmd(self) -> None:
        """Start Erlang's name server as a child; left to itself it would stay as a daemon."""
        command = ["epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)]
        child = Child.start(
            self._reaper, "epmd", command, env=self._variables(), output=subprocess.DEVNULL
        )
        wait_until(lambda: listens(self._epmd_port), "epmd", child=child)

    def _start_server(self) -> Child:
        with (self._folder / "output").open("ab") as output:
            child = Child.start(
                self._reaper,
                "rabbitmq",
                [self._program],
                env=self._variables(),
                cwd=self._folder,
                output=output,
                death_signal=signal.SIGKILL,
            )
        self._wait_until_ready(child)
        return child

    def _wait_until_ready(self, child: Child) -> None:
        wait_until(self._is_ready, "RabbitMQ", child=child, seconds=START_TIMEOUT)

    def _is_ready(self) -> bool:
        """A port that listens is not yet a broker that lets anyone in."""
        if not listens(self.port):
            return False
        try:
            pika.BlockingConnection(pika.URLParameters(self.url)).close()
        except AMQPError:
            return False
        return True


def find() -> Path | None:
    return DEBIAN if DEBIAN.exists() else which("rabbitmq-server")


class ExternalRabbitMQ:
    """The broker that AMQP_URL names: used as it is, and nobody's to stop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.source = "AMQP_URL"

    def _refuse(self) -> None:
        raise RuntimeError("AMQP_URL names a broker that tests must not stop: unset it")

    start = stop = kill = restart = _refuse


Broker: TypeAlias = RabbitMQ | ExternalRabbitMQ
