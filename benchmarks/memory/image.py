"""The Python of the image: an environment with what a deployment installs, and nothing else.

The development environment has packages that others import where they find them (telemetry's,
templates', colours'): a process takes ten MiB more there.
"""

import hashlib
import subprocess
import sys

from benchmarks.tables import note
from devkit.environment import RUNTIME, VENV


def image_python() -> str:
    """Return the interpreter of an environment with the runtime packages; made once for a lock."""
    digest = hashlib.sha256(RUNTIME.read_bytes()).hexdigest()[:12]
    folder = VENV / f"image-{digest}"
    python = str(folder / "bin" / "python")
    if not (folder / "complete").exists():
        note("Installing what a deployment has …")
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([python, "-m", "pip", "install", "--require-hashes", f"-r{RUNTIME}"])
        (folder / "complete").touch()
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
