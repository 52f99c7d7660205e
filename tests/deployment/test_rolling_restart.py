"""Two web processes behind nginx are started anew, one after the other, and no request is lost."""

import itertools
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from devkit.children import Reaper
from tests.deployment import compose
from tests.deployment.stack import start_nginx_alone
from tests.factories import make_user, token_client
from tests.notifications.sockets.clients import server_environment
from tests.pictures import encode, waves
from tests.processes import ROOT, Running, answers, launch, until
from tests.servers.ports import free_ports

pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.timeout(240),
    pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nginx_program"),
]  # fmt: skip
THREADS = 3
# Between two requests of a client, which would otherwise only ask for more of the same.
PAUSE = 0.03
NEEDED = ("SECRET_KEY", "PUBLIC_URL", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD")


def start_web(folder: Path, port: int) -> Running:
    """Start it as docker-compose.yml does, with one process."""
    web = compose.services(dict.fromkeys(NEEDED, "x") | {"WEB_WORKERS": "1"})["web"]
    words = web.command
    words[0] = sys.executable
    command = ["--host=127.0.0.1" if word.startswith("--host=") else word for word in words]
    command.insert(-1, f"--port={port}")
    log = folder / f"web-{port}-{time.monotonic_ns()}.log"
    # More uploads than the throttle lets a person send.
    here = {"HEALTH_PORT": "0", "DATABASE_POOL": "on", "UPLOADS_PER_MINUTE": "100000"}
    drain = {"DRAIN_SECONDS": web.environment["DRAIN_SECONDS"]}
    variables = server_environment(folder, port) | here | drain
    server = launch(Running, command, port, log, variables, start_new_session=True)
    until(lambda: answers(server), 60, server)
    return server


def stop(server: Running) -> None:
    """End it as a container is stopped: what is under way is finished."""
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(30)


def kill_all(servers: list[Running]) -> None:
    for server in servers:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(30)


@dataclass
class Answers:
    """How many requests were answered, and what those got that were refused."""

    given: int = 0
    refused: list[str] = field(default_factory=list)

    def count(self, answer: requests.Response) -> None:
        self.given += 1
        if answer.status_code not in (200, 201):
            self.refused.append(describe(answer))


def describe(answer: requests.Response) -> str:
    """Say what was asked when, and who refused it: what nginx answers itself has no request id."""
    named = {name: answer.headers.get(name) for name in ("Retry-After", "X-Request-ID", "Server")}
    return (
        f"{datetime.now(UTC):%T.%f} {answer.request.method} {answer.status_code} after "
        f"{answer.elapsed.total_seconds():.3f} s {named} {answer.text[:200]!r}"
    )


@contextmanager
def clients(url: str, headers: dict[str, str]) -> Iterator[Answers]:
    """Have several clients read lists and upload all the time; yields what they are answered."""
    seen = Answers()
    ended = threading.Event()

    def work(number: int) -> None:
        with requests.Session() as session:
            session.headers.update(headers)
            for turn in itertools.count():
                if ended.wait(PAUSE):
                    return
                try:
                    if number:
                        answer = session.get(f"{url}/api/user/images/?fields=id", timeout=30)
                    else:
                        content = encode(waves(20 + turn % 50, 20), "PNG")
                        files = {"image": content}
                        answer = session.post(f"{url}/api/user/images/", files=files, timeout=30)
                    seen.count(answer)
                except requests.RequestException as error:
                    seen.refused.append(f"{datetime.now(UTC):%T.%f} {error!r}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)


def until_more(seen: Answers, server: Running) -> None:
    """Wait until many more requests were answered."""
    enough = seen.given + 50
    until(lambda: seen.given > enough, 60, server)


def test_no_request_is_refused_while_web_processes_are_started_anew(
    tmp_path: Path, reaper: Reaper
) -> None:
    token = token_client(make_user("alice", "Enterprise")).defaults["HTTP_AUTHORIZATION"]
    ports = free_ports(2)
    # As the name of a service with two containers is resolved.
    [options] = re.findall(
        r"server web:8000 resolve( .*);", (ROOT / "deploy/nginx.conf").read_text()
    )
    both = f"{options}; ".join(f"server 127.0.0.1:{port}" for port in ports)
    with ExitStack() as running:
        servers = [start_web(tmp_path, port) for port in ports]
        running.callback(kill_all, servers)
        changes = {
            "server web:8000 resolve": both,
            "rate=200r/s": "rate=10000r/s",
            "error_log /dev/stderr crit": f"error_log {tmp_path}/refused.log error",
        }
        url = start_nginx_alone(reaper, tmp_path, ports[0], changes, SSL_REDIRECT="off")
        with clients(url, {"Authorization": token}) as seen:
            for index, port in enumerate(ports):
                until_more(seen, servers[index])
                stop(servers[index])
                until_more(seen, servers[1 - index])
                servers[index] = start_web(tmp_path, port)
            until_more(seen, servers[0])
    said = (tmp_path / "refused.log").read_text()
    assert not seen.refused, "\n".join([f"of {seen.given}:", *seen.refused, "nginx:", said])
