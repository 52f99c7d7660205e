"""`./dev run`: the whole service on this machine, with nothing installed outside `.venv`."""

import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devkit import environment, valkey
from devkit.messages import Refusal, say
from devkit.supervisor import ChildEnded, Supervisor

# A large machine gains nothing from a worker process per core for one person's pictures.
MOST_WORKERS = 4
START_SECONDS = 60.0
EVERYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104 (compared, not bound)


@dataclass(frozen=True)
class Place:
    """Where this run listens and keeps its data; the rest of the environment is the service's."""

    host: str
    port: int
    data_dir: Path

    @property
    def url(self) -> str:
        host = "localhost" if self.host in EVERYWHERE | {"127.0.0.1"} else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def run(arguments: list[str]) -> int:
    """Serve until a stop signal (0) or until a part ends by itself (1)."""
    if arguments:
        raise Refusal("run takes no arguments; PORT, HOST and DATA_DIR come from the environment.")
    place = _place()
    with _data_dir_alone(place.data_dir):
        _require_free_port(place)
        environment.prepare(environment.RUNTIME)
        # What the processes of an earlier run counted (config/env/metrics.py).
        shutil.rmtree(place.data_dir / "metrics", ignore_errors=True)
        return _serve(place)


def _place() -> Place:
    port = os.environ.get("PORT") or "8000"
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise Refusal(f"PORT must be a number from 1 to 65535, not {port!r}.")
    data_dir = os.environ.get("DATA_DIR") or environment.ROOT / "data"
    return Place(os.environ.get("HOST") or "127.0.0.1", int(port), Path(data_dir).absolute())


@contextmanager
def _data_dir_alone(data_dir: Path) -> Iterator[None]:
    """Refuse a second run on the same data; the lock goes with this process, however it ends."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data_dir / "run.lock").open("w")
    except OSError as error:
        raise Refusal(f"DATA_DIR {data_dir} cannot be used: {error.strerror}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(
                f"another ./dev run uses {data_dir}; stop it, or set DATA_DIR to another folder."
            ) from None
        yield


def _require_free_port(place: Place) -> None:
    try:
        where = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(where[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where[4])
    except OSError as error:
        raise Refusal(
            f"cannot listen on {place.host} port {place.port}: {error.strerror}. "
            f"Choose another: PORT={place.port + 1} ./dev run"
        ) from None


def _variables(place: Place) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if value}
    fixed = {
        "LOCAL": "true",
        "HOST": place.host,
        "PORT": str(place.port),
        "DATA_DIR": str(place.data_dir),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
    }
    return {"PASSWORD_POLICY": "contract"} | given | fixed


def _serve(place: Place) -> int:
    variables = _variables(place)
    with Supervisor(variables, environment.ROOT) as family:
        try:
            _start_valkey(family, variables)
            _start_web(family, place)
            _start_workers(family)
            _start_fan_out(family, variables)
            _announce(place)
            family.watch()
        except ChildEnded as news:
            raise Refusal(f"{news}; the rest is being stopped.") from None
        except KeyboardInterrupt:
            say("Stopping …")
    return 0


def _start_valkey(family: Supervisor, variables: dict[str, str]) -> None:
    if variables.get("REDIS_URL"):
        return
    server = valkey.Valkey(family.guard, valkey.find([environment.site_packages()]))
    server.wait(family.adopt(server.start()))
    variables["REDIS_URL"] = server.url


def _start_web(family: Supervisor, place: Place) -> None:
    """Start the one process that migrates, and wait until it serves."""
    family.start("web", [environment.python(), "-m", "devkit.web", place.host, str(place.port)])
    host = "localhost" if place.host in EVERYWHERE else place.host
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        family.check()
        if _listens(host, place.port):
            return
        time.sleep(0.02)
    raise Refusal(f"the web server did not listen within {START_SECONDS:.0f} s.")


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _start_workers(family: Supervisor) -> None:
    """Start what needs the migrated database."""
    root_is_fine = "ignore:You're running the worker with superuser privileges"
    celery = [environment.python(), "-W", root_is_fine, "-m", "celery", "-q", "-A", "config"]
    workers = str(min(os.cpu_count() or 1, MOST_WORKERS))
    # Threads suffice: they only wait for the sandboxed processes that render.
    pool = ["--pool", "threads", "--concurrency", workers]
    family.start("worker", [*celery, "worker", *pool, "--without-gossip", "--without-mingle"])
    family.start("beat", [*celery, "beat"])


def _start_fan_out(family: Supervisor, variables: dict[str, str]) -> None:
    if variables.get("AMQP_URL"):
        for name, command in (("relay", "relay_outbox"), ("listen", "consume_auth_events")):
            family.start(name, [environment.python(), "manage.py", command])


def _announce(place: Place) -> None:
    say(
        f"\nTintype is running.\n"
        f"  Gallery  {place.url}/\n"
        f"  Admin    {place.url}/admin/\n"
        f"  API docs {place.url}/api/docs/\n"
        f"  Data     {place.data_dir}"
    )
    if not os.environ.get("AMQP_URL"):
        say("  Telling other services about logouts is off: AMQP_URL is not set.")
    say("Stop with Ctrl-C.\n")
