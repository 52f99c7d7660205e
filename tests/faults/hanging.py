"""What hangs for real: a call of a server that takes connections and says nothing, without end."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from images.storage.disk import DiskStorage

FOLDER, PORT = "HANG_FOLDER", "HANG_PORT"


def hang_if(what: str) -> None:
    """Wait for a byte that never comes, while there is a file of this name."""
    if (Path(os.environ[FOLDER]) / what).exists():
        with socket.create_connection(("127.0.0.1", int(os.environ[PORT]))) as server:
            server.recv(1)


class HangingStorage(DiskStorage):
    """A storage whose calls have no timeout."""

    def save_all(self, files: Mapping[str, Path]) -> None:
        hang_if("task" if "worker" in sys.argv else "web")
        super().save_all(files)


def hang_worker(**_: Any) -> None:
    """Receive a signal that a worker's loop sends every two seconds."""
    hang_if("loop of the worker")


def hang_beat(**_: Any) -> None:
    """Receive a signal that the scheduler sends with each message."""
    if "beat" in sys.argv:
        hang_if("beat")
