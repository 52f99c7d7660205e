"""The processes that decode, kept ready, and the one function that has a picture decoded.

A program with the decoders is started by `prepare`, or at first use; it forks one process for each
picture, the next while the last one works. A picture that kills its process costs itself alone.
"""

import logging
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from images.exceptions import PictureTooCostly
from images.sandbox import replies
from images.sandbox.channel import BadMessage
from images.sandbox.confine import MAX_CPU_SECONDS
from images.sandbox.template import DecoderUnavailable, Template, Worker
from images.sandbox.work_dir import sweep_work_dir_if_due, work_dir

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 20
# What is done behind everything else gives way to it: a tenth of a core against whoever takes all,
# which is enough to end in time (where the whole service gives way as much, it is not to starve).
# It gets as much CPU, but may take longer by the clock.
_NICENESS_BEHIND = 10
_TIMEOUT_BEHIND_SECONDS = 120
# Checks give way a little to the thumbnails of what was taken: where more is sent than the machine
# can do, uploads slow down; else thumbnails would lag behind them, further by every upload.
CHECKS_NICENESS = 3
# A program that is started anew has its libraries elsewhere in memory: who finds out where by many
# pictures has found it out for the former one.
MAX_PICTURES_PER_TEMPLATE = 1000
# So many pictures show that a warm program is worth its start (`config.decoder`).
_PICTURES_BEFORE_WARM = 20
_WARM = "--warm"
# The signals by which a process ends that went wrong by itself.
_FAULTS = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT, signal.SIGFPE, signal.SIGSYS}
)
# What may be missing on the disk where a decoder says that its output found no place.
_PROBE_BYTES = 8 * 1024**2
# Less than the C library takes anew from the kernel, page by page, for each piece.
_COPY_BYTES = 64 * 1024


class OperationFailed(Exception):
    """An operation failed in a way of its own: `kind`, with `details` that nobody has checked."""

    def __init__(self, kind: str, details: Mapping[str, object]) -> None:
        super().__init__(kind)
        self.kind = kind
        self.details = details


class TooLate(PictureTooCostly):
    """What was done behind everything else took too long by the clock, which says little of it."""


class WallsMissing(Exception):
    """Pictures are not decoded, because a wall around the decoder cannot be built."""


class DecoderFault(Exception):
    """An operation failed in a way that is no picture's fault."""


class Decoded:
    """What an operation returned; neither the result nor the output is to be believed."""

    def __init__(self, result: object, output: BinaryIO | None) -> None:
        self.result = result
        self._output = output
        self._taken = 0

    def save(self, length: int, target: Path) -> Path:
        """Copy the next bytes of the output into a new file; raises replies.Malformed."""
        with target.open("xb") as file:
            for piece in self._pieces(length):
                file.write(piece)
        return target

    def keep(self, length: int) -> BinaryIO:
        """Return the output, of at least so many bytes, for the caller to close.

        The decoder may have changed it by the time it is read. Raises replies.Malformed.
        """
        if self._output is None or os.fstat(self._output.fileno()).st_size < length:
            raise replies.Malformed("the output is shorter than was said")
        return os.fdopen(os.dup(self._output.fileno()), "rb", buffering=0)

    def _pieces(self, length: int) -> Iterator[bytes]:
        if self._output is None:
            raise replies.Malformed("no output")
        end = self._taken + length
        while self._taken < end:
            # Not by its own position, which the decoder could move.
            piece = os.pread(
                self._output.fileno(), min(_COPY_BYTES, end - self._taken), self._taken
            )
            if not piece:
                raise replies.Malformed("the output is shorter than was said")
            self._taken += len(piece)
            yield piece


@contextmanager
def decoded(
    operation: str,
    source: Path | BinaryIO,
    *,
    writes: bool = False,
    is_behind: bool = False,
    **arguments: object,
) -> Iterator[Decoded]:
    """Have a file decoded by an operation of `config.decoder`, which may write an output.

    With `is_behind` it gives way to everything else. Raises OperationFailed, and PictureTooCostly
    where the process died, took too long (behind: TooLate), or answered what no decoder would
    answer.
    """
    sweep_work_dir_if_due()
    job = {"operation": operation, "arguments": arguments}
    with _open_input(source) as file, _open_output(writes=writes) as output:
        descriptors = [each.fileno() for each in (file, output) if each is not None]
        reply = _pool().run(job, descriptors, is_behind=is_behind)
        try:
            yield Decoded(_result_of(operation, reply), output)
        except replies.Malformed as error:
            logger.warning("a decoder answered %s with something else: %s", operation, error)
            raise PictureTooCostly("The picture is too costly to decode.") from error


@contextmanager
def _open_input(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    if not isinstance(source, Path):
        yield source
        return
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        yield file


@contextmanager
def _open_output(*, writes: bool) -> Iterator[BinaryIO | None]:
    """Open a file without a name, so that nothing is left of it whatever happens."""
    if not writes:
        yield None
        return
    with tempfile.TemporaryFile(dir=work_dir(), buffering=0) as file:
        yield file


def _result_of(operation: str, reply: dict[str, Any]) -> object:
    cpu = replies.number(reply.pop("cpu", 0.0), 0, 2 * MAX_CPU_SECONDS)
    if "result" in reply:
        result = replies.record(reply, "result")["result"]
        logger.debug("%s took %.3f s of CPU", operation, cpu)
        return result
    kind = replies.text(reply.pop("error", None), replies.NAME)
    if kind == "memory":
        raise PictureTooCostly("The picture is too costly to decode.")
    if kind == "output":
        _raise_if_disk_is_full()
        raise PictureTooCostly("The picture is too costly to decode.")
    if kind in {"wall", "fault"}:
        message = replies.text(replies.record(reply, "message")["message"], replies.SENTENCE)
        raise (WallsMissing if kind == "wall" else DecoderFault)(message)
    raise OperationFailed(kind, reply)


def _raise_if_disk_is_full() -> None:
    """Raise OSError where there is no place in truth: a decoder may say so without reason."""
    with tempfile.TemporaryFile(dir=work_dir(), buffering=0) as probe:
        probe.write(bytes(_PROBE_BYTES))


class Pool:
    """So many processes at once, of one program, and one more behind them."""

    def __init__(self, program: Path, size: int, flags: tuple[str, ...] = ()) -> None:
        """Start nothing yet."""
        self._program, self._size, self._flags = program, size, flags
        self._slots = threading.Semaphore(size)
        # Nobody may wait for a process that gives way to others.
        self._slot_behind = threading.Semaphore(1)
        self._lock = threading.Lock()
        self._current: _Generation | None = None
        self._next_is_coming = False
        self._is_stopped = False

    def run(
        self, job: Mapping[str, Any], descriptors: list[int], *, is_behind: bool = False
    ) -> dict[str, Any]:
        """Have a job done and return what is answered; raises PictureTooCostly."""
        with self._slot_behind if is_behind else self._slots:
            try:
                return self._try(job, descriptors, is_behind=is_behind)
            except DecoderUnavailable as error:
                # Its processes ended with it, whatever they were decoding.
                logger.warning("the decoders' program is gone, and started again: %s", error)
                return self._try(job, descriptors, is_behind=is_behind)

    def _try(
        self, job: Mapping[str, Any], descriptors: list[int], *, is_behind: bool
    ) -> dict[str, Any]:
        generation = self._generation()
        seconds = _TIMEOUT_BEHIND_SECONDS if is_behind else TIMEOUT_SECONDS
        with generation.worker(is_behind=is_behind) as worker:
            try:
                reply = worker.ask(job, descriptors, time.monotonic() + seconds)
            except (EOFError, TimeoutError, BadMessage) as error:
                self._examine(generation, worker, error)
                is_late = is_behind and isinstance(error, TimeoutError)
                failure = TooLate if is_late else PictureTooCostly
                raise failure("The picture is too costly to decode.") from error
        if not is_behind:
            generation.keep_one_ready()
        return reply

    def prepare(self) -> None:
        """Start the program and fork ahead, so that the first picture waits for neither."""
        try:
            self._generation().keep_one_ready()
        except DecoderUnavailable as error:
            logger.warning("the decoders' program does not start: %s", error)

    def stop(self) -> None:
        """End every process."""
        with self._lock:
            self._is_stopped, current, self._current = True, self._current, None
        if current:
            current.retire()

    def _generation(self) -> "_Generation":
        with self._lock:
            if self._current is None or self._current.is_gone:
                if self._current is not None:
                    # Gone by itself: the sockets of what it had ready are still open.
                    self._current.retire()
                self._current = _Generation(
                    self._program, self._flags, _spread(_PICTURES_BEFORE_WARM), self._size
                )
            if self._current.is_worn:
                # Asked again after as many pictures, where it does not start.
                self._current.renew(_spread(_PICTURES_BEFORE_WARM))
                self._replace_soon()
            return self._current

    def _examine(self, generation: "_Generation", worker: Worker, error: Exception) -> None:
        """Find out how a process ended, and replace the program that it came from after a fault."""
        try:
            code = worker.end_and_tell()
        except DecoderUnavailable:
            with self._lock:
                if self._current is generation:
                    self._current = None
            generation.retire()
            raise
        reason = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        logger.warning("a decoder ended with %s (%s)", reason, type(error).__name__)
        with self._lock:
            if -code in _FAULTS and self._current is generation:
                self._replace_soon()

    def _replace_soon(self) -> None:
        if not self._next_is_coming:
            self._next_is_coming = True
            threading.Thread(target=self._replace, name="decoders", daemon=True).start()

    def _replace(self) -> None:
        """Start a program in the background; the former one serves until it can be used."""
        try:
            flags = (*self._flags, _WARM)
            pictures = _spread(MAX_PICTURES_PER_TEMPLATE)
            following = _Generation(self._program, flags, pictures, self._size)
            following.keep_one_ready()
        except DecoderUnavailable as error:
            logger.warning("the decoders' program does not start again: %s", error)
            following = None
        with self._lock:
            self._next_is_coming = False
            former = None
            if following is not None:
                if self._is_stopped:
                    former = following
                else:
                    former, self._current = self._current, following
        if former is not None:
            former.retire()


def _spread(pictures: int) -> int:
    """Return so many or up to a quarter less, so that processes do not start programs together."""
    return random.randint(pictures - pictures // 4, pictures)  # noqa: S311 (no secret depends on it)


class _Generation:
    """A running program, and the processes that it has forked ahead."""

    def __init__(self, program: Path, flags: tuple[str, ...], pictures: int, size: int) -> None:
        self._template = Template(program, flags)
        try:
            self._template.wait()
        except BaseException:
            self._template.stop()
            raise
        self._left, self._size = pictures, size
        self._lock = threading.Lock()
        self._ready: list[Worker] = []
        self._busy = 0
        self._is_retired = False

    @property
    def is_worn(self) -> bool:
        return self._left <= 0

    def renew(self, pictures: int) -> None:
        """Count so many pictures more."""
        self._left = pictures

    @property
    def is_gone(self) -> bool:
        return self._is_retired or not self._template.is_running

    @contextmanager
    def worker(self, *, is_behind: bool) -> Iterator[Worker]:
        """Take a process, and end it after its one picture; raises DecoderUnavailable."""
        worker = self._take(is_behind=is_behind)
        try:
            yield worker
        finally:
            worker.end()
            self._finish()

    def _take(self, *, is_behind: bool) -> Worker:
        with self._lock:
            if self._is_retired:
                raise DecoderUnavailable("replaced")
            if is_behind:
                # None of those that are ready: it is behind from its start on.
                worker = self._template.start(_NICENESS_BEHIND)
            else:
                worker = self._ready.pop() if self._ready else self._template.start()
            self._left -= 1
            self._busy += 1
            return worker

    def _finish(self) -> None:
        with self._lock:
            self._busy -= 1
            is_over = self._is_retired and not self._busy
        if is_over:
            # Whoever had the last picture decoded does not wait for it.
            threading.Thread(target=self._stop, name="decoders' end").start()

    def keep_one_ready(self) -> None:
        """Fork ahead, so that the next picture does not wait for it."""
        with self._lock, suppress(DecoderUnavailable):
            if not self._is_retired and len(self._ready) < self._size:
                self._ready.append(self._template.start())

    def retire(self) -> None:
        """Stop as soon as no picture is being decoded."""
        with self._lock:
            if not self._is_retired and not self._busy:
                self._stop()
            self._is_retired = True

    def _stop(self) -> None:
        for worker in self._ready:
            worker.abandon()
        self._ready.clear()
        self._template.stop()


class _Pools:
    """The pool of each process, since a forked child must not use its parent's."""

    lock = threading.Lock()
    by_pid: dict[int, Pool] = {}
    niceness = 0


def prepare(*, niceness: int = 0) -> threading.Thread:
    """Have this process' decoders started; the thread that is returned ends when they are ready.

    With `niceness` all of them give way to other processes (nice(2)).
    """
    _Pools.niceness = niceness
    thread = threading.Thread(target=_pool().prepare, name="decoders", daemon=True)
    thread.start()
    return thread


def _pool() -> Pool:
    with _Pools.lock:
        pool = _Pools.by_pid.get(os.getpid())
        if pool is None:
            flags = [f"--niceness={_Pools.niceness}"]
            if settings.CONFINEMENT_REQUIRED:
                flags.append("--required")
            pool = Pool(settings.DECODER_PROGRAM, settings.DECODING_PROCESSES, tuple(flags))
            _Pools.by_pid[os.getpid()] = pool
            # A process of multiprocessing's (granian's workers are) joins its children before
            # `atexit` ends them, and these would never end by themselves.
            Finalize(None, pool.stop, exitpriority=10)
        return pool
