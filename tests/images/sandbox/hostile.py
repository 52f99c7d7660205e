"""What a picture that took over its decoder would try; these run in a sandboxed process."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def open_a_socket() -> str:
    """Try to reach the network."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as error:
        return type(error).__name__
    return "opened"


def read(path: str) -> str:
    """Try to read a file."""
    try:
        return Path(path).read_text()
    except OSError as error:
        return type(error).__name__


def write(path: str) -> str:
    """Try to write a file."""
    try:
        Path(path).write_text("was here")
    except OSError as error:
        return type(error).__name__
    return "written"


def run_a_program() -> str:
    """Try to run another program."""
    try:
        subprocess.run(["/bin/true"], check=True)
    except OSError as error:
        return type(error).__name__
    return "ran"


def read_a_parents_memory() -> int:
    """Try to attach to the parent process; returns what ptrace(2) says."""
    return int(ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0))


def take_memory(count: int) -> int:
    """Take so many bytes."""
    return len(bytearray(count))


def die() -> None:
    """Die as a decoder with a memory error does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def die_whatever_is_given(*_: object) -> None:
    """Die whatever the picture is."""
    die()


def use_the_cpu() -> None:
    """Never come back."""
    while True:
        pass


def process_id() -> int:
    """Return which process this is."""
    return os.getpid()


def loaded_modules(names: Sequence[str]) -> list[str]:
    """Return which of these modules are loaded here."""
    return [name for name in names if name in sys.modules]
