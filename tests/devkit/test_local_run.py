"""What `./dev` refuses, and how its processes end."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from signal import Signals

import pytest

from devkit import environment
from devkit.messages import Refusal
from tests.processes import ROOT, answers, command_lines_of, dev_run, until, until_ready

WATCHED = ("devkit.web", "devkit.worker")
# Starts a child that starts a grandchild, prints their process ids and waits to be killed.
DESCENDANTS = """
import sys, time
from devkit.children import Child, Reaper
reaper = Reaper()
Child.start(reaper, "parent", ["sh", "-c", "sleep 600 & echo $$ $!; wait"])
time.sleep(600)
"""


def refusal(**settings: str) -> str:
    """Run `./dev run`, which is expected to refuse at once, and return what it says."""
    finished = subprocess.run(
        [sys.executable, "dev", "run"],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (1, "")
    return finished.stderr


def is_running(pid: int) -> bool:
    """A zombie has ended: it only waits for its parent."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refusal(PORT=port, DATA_DIR=str(tmp_path))
    assert line.startswith(f"dev: cannot listen on 127.0.0.1 port {port}: ")
    assert line.count("\n") == 1


def test_a_second_run_on_the_same_data_folder_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        line = refusal(DATA_DIR=str(tmp_path))
    assert line.startswith(f"dev: another ./dev run uses {tmp_path}; ")


@pytest.mark.parametrize("port", ["zero", "0", "65536", "-1"])
def test_an_invalid_port_is_refused(port: str, tmp_path: Path) -> None:
    assert refusal(PORT=port, DATA_DIR=str(tmp_path)).startswith("dev: PORT must be")


def test_an_unknown_command_names_the_help_command() -> None:
    finished = subprocess.run(
        [sys.executable, "dev", "jump"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stderr) == (
        2,
        "dev: unknown command 'jump'; ./dev help lists them.\n",
    )


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_when_one_process_ends_it_is_named_and_the_others_are_stopped(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with dev_run(data_dir) as service:
        # The scheduler, which is a part of the worker, has written its schedule.
        until(lambda: list(data_dir.glob("beat-schedule*")), 20, service)
        [worker] = pids_of(data_dir, "devkit.worker")
        os.kill(worker, signal.SIGKILL)
        assert service.process.wait(timeout=40) == 1
    log = service.log.read_text()
    assert "worker was ended by signal 9 (SIGKILL); the rest is being stopped." in log
    assert command_lines_of(data_dir) == []


@pytest.mark.nightly
@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_web_and_worker_restart_when_code_changes(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with dev_run(data_dir, "--reload") as service:
        for changed in ("config/urls.py", "static/js/gallery.js"):
            # A worker that is ready was started long enough ago for its files to be watched.
            until_ready(service)
            before = {name: set(pids_of(data_dir, name)) for name in WATCHED}
            (ROOT / changed).touch()
            until(partial(all_are_new, data_dir, before), 40, service)
            until(partial(answers, service), 40, service)
        service.stop()
    assert command_lines_of(data_dir) == []


def all_are_new(data_dir: Path, before: dict[str, set[int]]) -> bool:
    now = {name: set(pids_of(data_dir, name)) for name in before}
    return all(now[name] and not now[name] & before[name] for name in before)


def pids_of(data_dir: Path, word: str) -> list[int]:
    mark = f"DATA_DIR={data_dir}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text().split("\0")
            if word in words and mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_no_descendant_outlives_a_killed_starter(signum: Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", DESCENDANTS], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout
        descendants = [int(word) for word in starter.stdout.readline().split()]
        assert len(descendants) == 2
        assert all(map(is_running, descendants))
        starter.send_signal(signum)
        deadline = time.monotonic() + 10
        while any(map(is_running, descendants)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(map(is_running, descendants))


@pytest.mark.nightly
def test_a_failed_installation_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"there-is-no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(environment, "VENV", tmp_path / "environment")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for _ in range(2):
        with pytest.raises(Refusal, match="pip could not install"):
            environment.prepare(lock)
    assert list((tmp_path / "environment").glob("*.installed")) == []
