"""`./dev run`: the whole service on this machine, with nothing installed outside `.venv`."""

import os
import shlex
import shutil
import socket
import time
from typing import TextIO

from devkit import environment, local_settings, valkey
from devkit.local_settings import EVERYWHERE, LocalSettings
from devkit.messages import Refusal, say
from devkit.supervisor import ChildEnded, Supervisor

# A large machine gains nothing from a thread per core for one person's pictures.
MAX_WORKER_THREADS = 4
START_TIMEOUT = 60.0
RELOAD = "--reload"


def run(arguments: list[str]) -> int:
    """Serve until a stop signal (0) or until a part ends by itself (1)."""
    if arguments not in ([], [RELOAD]):
        raise Refusal(
            f"run takes only {RELOAD}; PORT, HOST and DATA_DIR come from the environment."
        )
    local = local_settings.read()
    with local_settings.lock_data_dir(local.data_dir) as lock:
        _require_free_port(local)
        environment.prepare(environment.RUNTIME)
        # What the processes of an earlier run counted (config/env/metrics.py).
        shutil.rmtree(local.data_dir / "metrics", ignore_errors=True)
        return _serve(local, lock, reloads=bool(arguments))


def _require_free_port(local: LocalSettings) -> None:
    try:
        where = socket.getaddrinfo(local.host, local.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(where[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where[4])
    except OSError as error:
        raise Refusal(
            f"cannot listen on {local.host} port {local.port}: {error.strerror}. "
            f"Choose another: PORT={local.port + 1} ./dev run"
        ) from None


def _serve(local: LocalSettings, lock: TextIO, *, reloads: bool) -> int:
    variables = local.variables
    with Supervisor(variables, environment.ROOT) as supervisor:
        try:
            _start_valkey(supervisor, variables)
            print(variables["REDIS_URL"], file=lock, flush=True)
            _start_web(supervisor, local, reloads=reloads)
            _start_worker(supervisor, reloads=reloads)
            _start_logout_fan_out(supervisor, variables)
            _announce(local)
            supervisor.watch()
        except ChildEnded as error:
            raise Refusal(f"{error}; the rest is being stopped.") from None
        except KeyboardInterrupt:
            say("Stopping …")
    return 0


def _start_valkey(supervisor: Supervisor, variables: dict[str, str]) -> None:
    if variables.get("REDIS_URL"):
        return
    server = valkey.Valkey(supervisor.reaper, valkey.find([environment.site_packages()]))
    server.wait(supervisor.add(server.start()))
    variables["REDIS_URL"] = server.url


def _start_web(supervisor: Supervisor, local: LocalSettings, *, reloads: bool) -> None:
    """Start the one process that migrates, and wait until it serves."""
    web = [environment.python(), "-m", "devkit.web", local.host, str(local.port)]
    supervisor.start("web", _reloading(web) if reloads else web)
    host = "localhost" if local.host in EVERYWHERE else local.host
    deadline = time.monotonic() + START_TIMEOUT
    # Code that is being edited may start at its next change only.
    while reloads or time.monotonic() < deadline:
        supervisor.check()
        if _listens(host, local.port):
            return
        time.sleep(0.02)
    raise Refusal(f"the web server did not listen within {START_TIMEOUT:.0f} s.")


def _reloading(command: list[str]) -> list[str]:
    """Run `command` again whenever a file of the service changes."""
    watch = [environment.python(), "-m", "watchfiles", "--target-type", "command"]
    return [*watch, "--verbosity", "warning", shlex.join(command), *_watched_folders()]


def _watched_folders() -> list[str]:
    packages = {path.parent for path in environment.ROOT.glob("*/__init__.py")}
    others = {environment.ROOT / name for name in ("benchmarks", "devkit", "tests")}
    pages = {environment.ROOT / "templates", environment.ROOT / "static"}
    return sorted(map(str, packages - others | pages))


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _start_worker(supervisor: Supervisor, *, reloads: bool) -> None:
    """Start what needs the migrated database: the worker, which schedules too."""
    root_is_fine = "ignore:You're running the worker with superuser privileges"
    threads = str(min(os.cpu_count() or 1, MAX_WORKER_THREADS))
    worker = [environment.python(), "-W", root_is_fine, "-m", "devkit.worker", threads]
    supervisor.start("worker", _reloading(worker) if reloads else worker)


def _start_logout_fan_out(supervisor: Supervisor, variables: dict[str, str]) -> None:
    if variables.get("AMQP_URL"):
        for name, command in (("relay", "relay_outbox"), ("listen", "consume_auth_events")):
            supervisor.start(name, [environment.python(), "manage.py", command])


def _announce(local: LocalSettings) -> None:
    say(
        f"\nTintype is running.\n"
        f"  Gallery  {local.url}/\n"
        f"  Admin    {local.url}/admin/\n"
        f"  API docs {local.url}/api/docs/\n"
        f"  Data     {local.data_dir}"
    )
    if not os.environ.get("AMQP_URL"):
        say("  Telling other services about logouts is off: AMQP_URL is not set.")
    say("Stop with Ctrl-C.\n")
