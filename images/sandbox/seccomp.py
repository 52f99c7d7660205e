"""The table of system calls as a program of the kernel's filter (seccomp(2)), in classic BPF."""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Callable, Iterator
from functools import cache

from images.sandbox.call_table import (
    ARCHITECTURES,
    NEWEST,
    THIS_PROCESS,
    X32_BIT,
    Allowed,
    OnlyWith,
    OnlyWithout,
    Refused,
    Rule,
    rules_of,
)
from images.sandbox.system_calls import prctl

# Operations of classic BPF, by the numbers of linux/bpf_common.h.
LOAD, JUMP_IF_EQUAL, JUMP_IF_ABOVE, JUMP_IF_BITS, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
# What becomes of a call (linux/seccomp.h); the number of an error is added to FAIL.
ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000, 0x80000000
_ENOSYS = 38
# Where struct seccomp_data has the number, the machine and the lower half of the first argument.
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

Instruction = tuple[int, int, int, int | None]


def prepare() -> Callable[[], None]:
    """Return what lets a process, and every thread that it starts, make the table's calls alone.

    Both raise OSError, the first also on a machine without a table; the second needs `no_new_privs`
    and a process of one thread.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in ARCHITECTURES:
        raise OSError("no table of this machine's system calls")
    program = assemble(machine, 0)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    pointer = ctypes.create_string_buffer(header, len(header))
    places = [8 * at + 4 for at, step in enumerate(_steps(machine)) if step[3] is None]

    def install() -> None:
        process = os.getpid()
        for place in places:
            struct.pack_into("I", buffer, place, process)
        prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(pointer))

    return install


def assemble(machine: str, process: int) -> bytes:
    """Return the filter of a machine for a process."""
    steps = _steps(machine)
    numbers = [process if each is None else each for step in steps for each in step]
    return struct.pack("HBBI" * len(steps), *numbers)


@cache
def _steps(machine: str) -> list[Instruction]:
    """Return the filter's steps, with None in place of the process."""
    steps: list[Instruction] = [
        (LOAD, 0, 0, _ARCHITECTURE_AT),
        (JUMP_IF_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, _NUMBER_AT),
        # The x32 numbers lie above, and nothing else does; aarch64 has none so high.
        (JUMP_IF_ABOVE, 0, 1, X32_BIT - 1),
        (RETURN, 0, 0, KILL),
        (JUMP_IF_ABOVE, 0, 1, NEWEST),
        (RETURN, 0, 0, FAIL | _ENOSYS),
    ]
    for number, rule in rules_of(machine).items():
        body = list(_steps_of(rule))
        steps += [(JUMP_IF_EQUAL, 0, len(body), number), *body]
    return [*steps, (RETURN, 0, 0, KILL)]


def _steps_of(rule: Rule) -> Iterator[Instruction]:
    """Yield what decides about a call; it ends with a return."""
    if isinstance(rule, Allowed):
        yield RETURN, 0, 0, ALLOW
    elif isinstance(rule, Refused):
        yield RETURN, 0, 0, FAIL | rule.error
    elif isinstance(rule, OnlyWith):
        # The kernel reads these arguments as 32 bits wide, so the upper half says nothing.
        yield LOAD, 0, 0, _ARGUMENTS_AT + 8 * rule.argument
        for value in rule.values:
            yield JUMP_IF_EQUAL, 0, 1, None if value == THIS_PROCESS else int(value)
            yield RETURN, 0, 0, ALLOW
        yield RETURN, 0, 0, KILL if rule.error is None else FAIL | rule.error
    elif isinstance(rule, OnlyWithout):
        yield LOAD, 0, 0, _ARGUMENTS_AT + 8 * rule.argument
        yield JUMP_IF_BITS, 0, 1, rule.bits
        yield RETURN, 0, 0, FAIL | rule.error
        yield RETURN, 0, 0, ALLOW
