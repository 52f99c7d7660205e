"""The service's hold on the program that decodes: started, asked for processes, and let go."""

import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from images.sandbox import channel
from images.sandbox.channel import BadMessage

_START_TIMEOUT_SECONDS = 60.0
# It does nothing but fork and wait.
_ANSWER_TIMEOUT_SECONDS = 10.0
_STOP_TIMEOUT_SECONDS = 5.0


class DecoderUnavailable(Exception):
    """The program that decodes does not start, or is gone."""


class Worker:
    """One process that decodes one picture; what comes from it is not to be believed."""

    def __init__(self, template: "Template", name: int, line: socket.socket) -> None:
        self.template = template
        self._name = name
        self._line = line
        self._is_over = False

    def ask(
        self, job: Mapping[str, Any], descriptors: Sequence[int], deadline: float
    ) -> dict[str, Any]:
        """Hand over a job and return what is answered.

        Raises EOFError when the process died, BadMessage and TimeoutError.
        """
        self._line.settimeout(max(deadline - time.monotonic(), 0.001))
        # It may have said why it takes none, and ended: what it said can still be read.
        with suppress(ConnectionError):
            channel.send(self._line, job, descriptors)
        return channel.receive(self._line, deadline)

    def abandon(self) -> None:
        """Leave the process to its program, which is about to stop."""
        self._is_over = True
        self._line.close()

    def end(self) -> None:
        """End the process, if it has not ended; do nothing at a second call."""
        if not self._is_over:
            self.abandon()
            self.template.end(self._name)

    def end_and_tell(self) -> int:
        """End the process and return its exit code, that of a signal below zero.

        Raises DecoderUnavailable.
        """
        self.abandon()
        return self.template.end_and_tell(self._name)


class Template:
    """A running program; each method may be called by several threads at once."""

    def __init__(self, program: Path, flags: Sequence[str] = ()) -> None:
        """Start it without waiting until it can be used."""
        self._lock = threading.Lock()
        self._names = itertools.count()
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = start_program(program, flags, theirs.fileno())

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> None:
        """Wait until the decoders are loaded; raises DecoderUnavailable."""
        with self._lock:
            answer = self._receive(_START_TIMEOUT_SECONDS)
        if answer.get("ready") is not True:
            raise DecoderUnavailable(str(answer.get("failed")))

    def start(self, niceness: int = 0) -> Worker:
        """Return a new process, which confines itself while nobody waits for it.

        It gives way to others as `niceness` says (nice(2)), or as this process does; for good.
        """
        line, theirs = socket.socketpair()
        try:
            with theirs, self._lock:
                name = next(self._names)
                self._send({"start": name, "niceness": niceness}, [theirs.fileno()])
        except DecoderUnavailable:
            line.close()
            raise
        return Worker(self, name, line)

    def end(self, name: int) -> None:
        """End a process without waiting for it."""
        with self._lock, suppress(DecoderUnavailable):
            self._send({"end": name, "tell": False})

    def end_and_tell(self, name: int) -> int:
        """End a process and return its exit code; raises DecoderUnavailable."""
        with self._lock:
            self._send({"end": name, "tell": True})
            return int(self._receive(_ANSWER_TIMEOUT_SECONDS)["status"])

    def stop(self) -> None:
        """Have it end its processes and itself."""
        self._line.close()
        try:
            self._process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        try:
            channel.send(self._line, message, descriptors)
        except OSError as error:
            raise DecoderUnavailable(repr(error)) from error

    def _receive(self, timeout: float) -> dict[str, Any]:
        try:
            return channel.receive(self._line, time.monotonic() + timeout)
        except (EOFError, OSError, BadMessage) as error:
            raise DecoderUnavailable(repr(error)) from error
        finally:
            with suppress(OSError):
                self._line.settimeout(None)


def start_program(
    program: Path, flags: Sequence[str], line: int | None = None
) -> "subprocess.Popen[bytes]":
    """Start the decoders' program with an empty environment and one descriptor, or none.

    Without a channel what it prints can be read.
    """
    given = [] if line is None else [f"--channel={line}"]
    return subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-I", "-B", str(program), *flags, *given],
        env={},
        cwd="/",
        pass_fds=() if line is None else (line,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if line is None else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
