"""Makes `.venv` and installs a lock into it, once: a stamp remembers the lock's hash."""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devkit.messages import Refusal, say

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
RUNTIME = ROOT / "requirements.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"
# The development lock holds every runtime package at the same version.
INCLUDED = {RUNTIME: [RUNTIME], DEVELOPMENT: [RUNTIME, DEVELOPMENT]}


def python() -> str:
    return str(VENV / "bin" / "python")


def site_packages() -> Path:
    """Where the packages lie; only after `prepare` is there such a folder."""
    return next((VENV / "lib").glob("python3*/site-packages"))


def prepare(lock: Path) -> None:
    """Make sure that `.venv` holds what `lock` pins; quick when it does already.

    Raise Refusal when the environment cannot be made or a package cannot be installed.
    """
    if _is_installed(lock):
        return
    with lock_environment():
        if not _is_installed(lock):
            _make_venv()
            _install(lock)


def _stamp(lock: Path) -> Path:
    return VENV / f"{lock.stem}.installed"


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _is_installed(lock: Path) -> bool:
    """A stamp says nothing when the Python that `.venv` points to was removed."""
    stamp = _stamp(lock)
    return Path(python()).exists() and stamp.exists() and stamp.read_text() == _digest(lock)


@contextmanager
def lock_environment() -> Iterator[None]:
    """Let one command at a time change `.venv` or the system; a second one waits."""
    VENV.mkdir(exist_ok=True)
    folder = os.open(VENV, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _make_venv() -> None:
    if _has_pip():
        return
    _require_venv_module()
    say(f"Making {VENV.name} with Python {sys.version.split()[0]} …")
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "python -m venv failed")


def _has_pip() -> bool:
    if not Path(python()).exists():
        return False
    command = [python(), "-m", "pip", "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _require_venv_module() -> None:
    """Debian keeps `ensurepip` in a package of its own."""
    if importlib.util.find_spec("ensurepip"):
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not shutil.which("apt-get"):
        raise Refusal("this Python lacks the modules venv and ensurepip; install them first.")
    install_debian_packages([package], "Python's venv module")


def install_debian_packages(packages: list[str], what: str) -> None:
    """Install with apt-get as root, said before it is done; raise Refusal for anyone else."""
    if not packages:
        return
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Refusal(f"Missing: {what}. Run: sudo apt-get install {names}")
    say(f"Installing with apt-get: {names} …")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    # Old package lists name versions that mirrors no longer hold. Where a failure matters, the
    # installation fails with apt's message.
    subprocess.run([*apt, "update"], env=environment, check=False)
    _run(
        [*apt, "install", "--no-install-recommends", "--yes", *packages],
        f"apt-get could not install {names}",
        environment,
    )


def _run(command: list[str], failure: str, env: dict[str, str] | None = None) -> None:
    finished = subprocess.run(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if finished.returncode:
        raise Refusal(f"{failure}:\n{finished.stdout.strip()}")


def _install(lock: Path) -> None:
    for stamp in map(_stamp, INCLUDED[DEVELOPMENT]):
        stamp.unlink(missing_ok=True)
    count = len(re.findall(r"(?m)^[^\s#][^=\n]*==", lock.read_text()))
    say(f"Installing {count} pinned packages into {VENV.name} (about half a minute, once) …")
    started = time.monotonic()
    _pip(lock, count)
    for included in INCLUDED[lock]:
        _stamp(included).write_text(_digest(included))
    say(f"Installed in {time.monotonic() - started:.0f} s.")


def _pip(lock: Path, count: int) -> None:
    """Run pip, counting its packages on a terminal; show its output only when it fails."""
    options = ["--require-hashes", "--no-input", "--disable-pip-version-check"]
    command = [python(), "-m", "pip", "install", *options, "--progress-bar", "off", "-r", str(lock)]
    output: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in pip.stdout or ():
            output.append(line)
            if sys.stdout.isatty() and line.startswith("Collecting "):
                seen = sum(word.startswith("Collecting ") for word in output)
                print(f"\r  {seen} of {count}  {line.split()[1]:<50.50}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r" + " " * 70, end="\r")
    if pip.returncode:
        raise Refusal("pip could not install the packages:\n" + "".join(output[-15:]).strip())
