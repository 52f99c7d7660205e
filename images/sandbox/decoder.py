"""The program that decodes strangers' pictures, beside the service and without its secrets.

It is started by exec with an empty environment and one descriptor, its channel. It loads the
decoders and from then on only forks: each picture gets a process of its own, which is confined,
is handed the picture as an open file, answers once and ends. So nothing of one picture is there
when the next comes, and what forks has never seen a stranger's byte.

The service's half is `template` and `pool`.
"""

import json
import mmap
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from images.sandbox import channel
from images.sandbox.confine import MAX_OPEN_FILES, Confinement, WallMissing
from images.sandbox.memory import settle, share_heap
from images.sandbox.system_calls import fork

_CHANNEL_FLAG = "--channel="
_NICENESS_FLAG = "--niceness="


class Failed(Exception):
    """An operation fails in a way that the service knows by `kind`; `details` are plain data."""

    def __init__(self, kind: str, **details: str) -> None:
        super().__init__(kind)
        self.reply = {"error": kind, **details}


class Output:
    """The one file that an operation may write, from its beginning to its end."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def write(self, content: bytes) -> int:
        """Add bytes and return how many; raise Failed where they find no place."""
        if self._descriptor is None:
            raise Failed("fault", message="no output was handed over")
        try:
            _write(self._descriptor, content)
        except OSError:
            raise Failed("output") from None
        return len(content)


Input = bytes | mmap.mmap
Operation = Callable[[Input, Mapping[str, Any], Output], dict[str, Any]]
Operations = Mapping[str, Operation]


def main(
    load: Callable[[], Operations], use: Callable[[Operations], None], arguments: list[str]
) -> None:
    """Run as the flags say.

    `load` imports the decoders and returns what can be asked of them. Forked processes have done
    what the program has: with `--warm` it does everything once, by `use`, before the first fork.
    """
    if "--walls" in arguments:
        print_walls()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    service = socket.socket(fileno=_number(arguments, _CHANNEL_FLAG))
    # What it forks takes it over.
    os.nice(_number(arguments, _NICENESS_FLAG, 0))
    share_heap()
    try:
        operations = load()
        if "--warm" in arguments and sys.platform == "linux":
            use(operations)
            _wait_for_threads(service)
    except Exception as error:  # noqa: BLE001 (whatever it is, the service has to say it)
        channel.send(service, {"failed": f"{type(error).__name__}: {error}"[:500]})
        return
    template = _Template(service, operations, is_required="--required" in arguments)
    settle()
    channel.send(service, {"ready": True})
    template.serve()


def _wait_for_threads(service: socket.socket) -> None:
    """Wait until libvips' threads have ended, as they do when idle for 16 s: a fork has none.

    Ends the process when the service ends meanwhile: it has sent nothing yet that could be read.
    """
    while len(list(Path("/proc/self/task").iterdir())) > 1:
        readable, _, _ = select.select([service], [], [], 0.2)
        if readable:
            sys.exit()


def _number(arguments: list[str], flag: str, default: int | None = None) -> int:
    """Return a flag's number; raises LookupError where one without a default is missing."""
    for each in arguments:
        if each.startswith(flag):
            return int(each.removeprefix(flag))
    if default is None:
        raise LookupError(flag)
    return default


def print_walls() -> None:
    """Build all walls in this very process, print what became of each, and end."""
    confinement = Confinement(is_required=False)
    walls = confinement.confine(os.getppid()) | confinement.refuse_system_calls()
    _write(1, json.dumps({name: reason[:200] for name, reason in walls.items()}).encode())
    # Behind the last wall Python itself could not end in its usual way.
    os._exit(0)


class _Template:
    """Forks a process for each picture, and ends it, when the service says so."""

    def __init__(
        self, service: socket.socket, operations: Operations, *, is_required: bool
    ) -> None:
        self._service = service
        self._operations = operations
        self._confinement = Confinement(is_required=is_required)
        self._parent = os.getpid()
        self._children: dict[int, int] = {}

    def serve(self) -> None:
        """Serve until the service closes the channel, or ends."""
        try:
            while True:
                message, descriptors = channel.receive_with_descriptors(self._service)
                if "start" in message:
                    self._start(message["start"], descriptors[0], message["niceness"])
                else:
                    self._end(message["end"], tell=message["tell"])
        except (EOFError, OSError):
            for child in self._children.values():
                os.kill(child, signal.SIGKILL)

    def _start(self, name: int, descriptor: int, niceness: int) -> None:
        child = fork()
        if not child:
            try:
                self._service.close()
                # Behind the walls nobody may ask for it, and threads take it over.
                os.nice(max(0, niceness - os.nice(0)))
                _serve_one(descriptor, self._operations, self._confinement, self._parent)
            finally:
                os._exit(0)
        os.close(descriptor)
        self._children[name] = child

    def _end(self, name: int, *, tell: bool) -> None:
        """End a process, if it has not ended, and tell its exit code; -9 stands for SIGKILL."""
        child = self._children.pop(name)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if tell:
            channel.send(
                self._service, {"ended": name, "status": os.waitstatus_to_exitcode(status)}
            )


def _serve_one(
    descriptor: int, operations: Operations, confinement: Confinement, parent: int
) -> None:
    """Confine this process, wait for one job, do it, and answer."""
    service = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, descriptor)
    try:
        confinement.confine(parent)
        job, files = channel.receive_with_descriptors(service)
        content, output = _map(files[0]), Output(files[1] if len(files) > 1 else None)
        _close_all_but(service.fileno(), *files[1:])
        confinement.refuse_system_calls()
    except EOFError:
        return
    except WallMissing as missing:
        channel.send(service, {"error": "wall", "message": str(missing)[:200]})
        return
    except Exception as error:  # noqa: BLE001 (no picture was looked at yet)
        channel.send(service, {"error": "fault", "message": _place_of(error)})
        return
    reply = _reply(operations[job["operation"]], content, job["arguments"], output)
    used = resource.getrusage(resource.RUSAGE_SELF)
    reply["cpu"] = used.ru_utime + used.ru_stime
    # No call for sockets is left, and none is needed.
    body = json.dumps(reply).encode()
    with suppress(OSError):
        _write(service.fileno(), channel.frame(body))
    os._exit(0)


def _map(descriptor: int) -> Input:
    """Return a file's content where it lies; what is changed of it is seen by nobody else."""
    length = os.fstat(descriptor).st_size
    return mmap.mmap(descriptor, length, access=mmap.ACCESS_COPY) if length else b""


def _close_all_but(*descriptors: int) -> None:
    """Close all but these and the standard ones: the input, and what `mmap` has copied of it."""
    first = 3
    for descriptor in sorted(descriptors):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, MAX_OPEN_FILES)


def _reply(
    operation: Operation, content: Input, arguments: Mapping[str, Any], output: Output
) -> dict[str, Any]:
    try:
        return {"result": operation(content, arguments, output)}
    except Failed as failed:
        return failed.reply
    except MemoryError:
        return {"error": "memory"}
    except Exception as error:  # noqa: BLE001 (a fault of ours: the service raises it again)
        return {"error": "fault", "message": _place_of(error)}


def _place_of(error: Exception) -> str:
    """Name an error and the line that raised it; its text may hold a stranger's bytes."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    file = Path(trace.tb_frame.f_code.co_filename).name
    return f"{type(error).__name__} at {file}:{trace.tb_lineno}"


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
