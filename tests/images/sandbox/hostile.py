"""What a picture that took over its decoder would try, as operations of a decoder of the tests.

An attempt returns where it worked; where the kernel refuses, it raises OSError or the process ends.
"""

import ctypes
import fcntl
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from images.sandbox.channel import frame
from images.sandbox.decoder import Input, Output

Attempt = Callable[[], object]
_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD, _THREAD, _VM = -100, 0x10000, 0x100
# Three standard ones, the channel, and the output of the job.
_KEPT_OPEN = 5
_STATE = {"was here": False}
# A folder that all may write, with a file in it: what an attempt may spoil if it succeeds.
_FOLDER = [Path("/nowhere")]
# By machine: numbers of calls that Python has no name for.
_NUMBERS = {
    "x86_64": {
        "add_key": 248, "bpf": 321, "capset": 126, "clone": 56, "clone3": 435, "execveat": 322,
        "fallocate": 285, "futimesat": 261, "init_module": 175, "io_uring_setup": 425,
        "kexec_load": 246, "keyctl": 250, "memfd_create": 319, "memfd_secret": 447, "mount": 165,
        "move_mount": 429, "mq_open": 240, "msgget": 68, "name_to_handle_at": 303,
        "open_by_handle_at": 304, "open_tree": 428, "perf_event_open": 298, "personality": 135,
        "pidfd_getfd": 438, "pidfd_open": 434, "pidfd_send_signal": 424, "pivot_root": 155,
        "pkey_mprotect": 329, "process_madvise": 440, "process_vm_readv": 310,
        "process_vm_writev": 311, "ptrace": 101, "quotactl": 179, "reboot": 169,
        "request_key": 249, "rt_sigqueueinfo": 129, "sched_setattr": 314, "seccomp": 317,
        "semget": 64, "setdomainname": 171, "sethostname": 170, "setns": 308, "shmget": 29,
        "swapon": 167, "syslog": 103, "tkill": 200, "umount2": 166, "unshare": 272,
        "userfaultfd": 323, "utimensat": 280, "vhangup": 153, "landlock_restrict_self": 446,
    },
    "aarch64": {
        "add_key": 217, "bpf": 280, "capset": 91, "clone": 220, "clone3": 435, "execveat": 281,
        "fallocate": 47, "futimesat": 88, "init_module": 105, "io_uring_setup": 425,
        "kexec_load": 104, "keyctl": 219, "memfd_create": 279, "memfd_secret": 447, "mount": 40,
        "move_mount": 429, "mq_open": 180, "msgget": 186, "name_to_handle_at": 264,
        "open_by_handle_at": 265, "open_tree": 428, "perf_event_open": 241, "personality": 92,
        "pidfd_getfd": 438, "pidfd_open": 434, "pidfd_send_signal": 424, "pivot_root": 41,
        "pkey_mprotect": 288, "process_madvise": 440, "process_vm_readv": 270,
        "process_vm_writev": 271, "ptrace": 117, "quotactl": 60, "reboot": 142,
        "request_key": 218, "rt_sigqueueinfo": 138, "sched_setattr": 274, "seccomp": 277,
        "semget": 190, "setdomainname": 162, "sethostname": 161, "setns": 268, "shmget": 194,
        "swapon": 224, "syslog": 116, "tkill": 130, "umount2": 39, "unshare": 97,
        "userfaultfd": 282, "utimensat": 88, "vhangup": 58, "landlock_restrict_self": 446,
    },
}.get(platform.machine(), {})  # fmt: skip


def _call(name: str, *arguments: object) -> int:
    whole = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(_LIBC.syscall(ctypes.c_long(_NUMBERS[name]), *whole))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def _open_descriptors() -> list[int]:
    found = []
    for descriptor in range(1024):
        try:
            fcntl.fcntl(descriptor, fcntl.F_GETFD)
        except OSError:
            continue
        found.append(descriptor)
    return found


def _channel() -> int:
    """Return the descriptor of the channel: the first that is not one of the standard ones."""
    return _open_descriptors()[3]


def _output() -> int:
    """Return the descriptor of the job's output: the last that was received."""
    return _open_descriptors()[4]


def _buffer(size: int = 128) -> Any:
    return ctypes.create_string_buffer(size)


def _victim(name: str = "file") -> Path:
    return _FOLDER[0] / name


def _fork_and_survive() -> NoReturn:
    if os.fork() == 0:
        time.sleep(60)
    raise SystemExit


def _read_own_memory_file() -> bytes:
    with open("/proc/self/mem", "rb") as file:  # noqa: PTH123 (as an intruder would)
        return file.read(1)


def _kill(process: int) -> None:
    os.kill(process, signal.SIGTERM)


def _send_descriptor() -> None:
    service = socket.socket(fileno=_channel())
    socket.send_fds(service, [b"x"], [0])


def _bind_abstract() -> None:
    socket.socket(socket.AF_UNIX).bind("\0hostile")


def _become_owner_of_signals() -> None:
    """Have the kernel signal the parent when the output can be written (fcntl(2), F_SETOWN)."""
    fcntl.fcntl(_output(), fcntl.F_SETOWN, os.getppid())


def _raise_limit(limit: int) -> None:
    resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _limit_parent() -> None:
    resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))


def _map_code() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def _make_code_of_memory() -> None:
    memory = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    _checked(_LIBC.mprotect(ctypes.c_void_p(address), 4096, 5))


def _grow_output() -> None:
    """Write past the limit at once, without writing what lies before."""
    os.lseek(_output(), 1 << 40, os.SEEK_SET)
    os.write(_output(), b"x")


def _fill_the_disk() -> None:
    block = bytes(1 << 20)
    for _ in range(300):
        os.write(_output(), block)


def _take_memory() -> None:
    bytearray(2 << 30)


def _find_secret() -> None:
    """Look for what the service was started with."""
    # What Python sets for itself where nothing is set.
    if dict(os.environ) not in ({}, {"LC_CTYPE": "C.UTF-8"}) or any(_initial_environment()):
        return
    raise PermissionError("nothing there")


def _initial_environment() -> list[bytes]:
    """Return the variables that the C library knows of, but for what Python sets for itself."""
    pointers = ctypes.POINTER(ctypes.c_char_p).in_dll(_LIBC, "environ")
    found = []
    for number in range(1000):
        if not pointers[number]:
            break
        found.append(pointers[number])
    return [each for each in found if each and not each.startswith(b"LC_CTYPE=")]


def _find_open_descriptors() -> None:
    """Look for descriptors beside the channel, the output and the three standard ones."""
    if len(_open_descriptors()) <= _KEPT_OPEN:
        raise PermissionError("nothing there")


def _find_former_job() -> None:
    """Leave a mark in this process, and look for one."""
    was_here, _STATE["was here"] = _STATE["was here"], True
    if not was_here:
        raise PermissionError("nothing there")


_REFUSED_CALLS: dict[str, tuple[object, ...]] = {
    "add_key": (b"user", b"x", b"x", 1, -3),
    "bpf": (0, None, 0),
    "capset": (None, None),
    "clone3": (None, 0),
    "execveat": (_AT_FDCWD, b"/bin/true", None, None, 0),
    "init_module": (None, 0, b""),
    "io_uring_setup": (1, None),
    "kexec_load": (0, 0, None, 0),
    "keyctl": (0, -3, 0),
    "landlock_restrict_self": (0, 0),
    "memfd_create": (b"x", 0),
    "memfd_secret": (0,),
    "mount": (b"none", b"/nowhere", b"tmpfs", 0, None),
    "move_mount": (0, b"", 0, b"", 0),
    "mq_open": (b"/x", 0o102, 0o600, None),
    "msgget": (0, 0o1600),
    "name_to_handle_at": (_AT_FDCWD, b"/", None, None, 0),
    "open_by_handle_at": (0, None, 0),
    "open_tree": (_AT_FDCWD, b"/", 0),
    "perf_event_open": (None, 0, -1, -1, 0),
    "personality": (0x0400000,),
    "pidfd_getfd": (0, 0, 0),
    "pidfd_send_signal": (0, 9, None, 0),
    "pivot_root": (b"/", b"/"),
    "process_madvise": (0, None, 0, 0, 0),
    "quotactl": (0, None, 0, None),
    "reboot": (0, 0, 0, None),
    "request_key": (b"user", b"x", None, 0),
    "sched_setattr": (0, None, 0),
    "seccomp": (1, 0, None),
    "semget": (0, 1, 0o1600),
    "setdomainname": (b"x", 1),
    "sethostname": (b"x", 1),
    "setns": (0, 0),
    "shmget": (0, 4096, 0o1600),
    "swapon": (b"/x", 0),
    "syslog": (3, None, 0),
    "umount2": (b"/nowhere", 2),
    "unshare": (0x10000000,),
    "userfaultfd": (0,),
    "vhangup": (),
}

ATTEMPTS: dict[str, Attempt] = {
    **{name: partial(_call, name, *given) for name, given in _REFUSED_CALLS.items()},
    "read a file": lambda: Path("/etc/passwd").read_text(),
    "read its environment": lambda: Path("/proc/self/environ").read_bytes(),
    "read its parent's environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "read its memory as a file": _read_own_memory_file,
    "open what is open again": lambda: os.open(f"/proc/self/fd/{_output()}", os.O_RDWR),
    "list a folder": lambda: list(Path("/").iterdir()),
    "look at a file": lambda: Path("/etc/passwd").stat(),
    "learn where it is": Path.cwd,
    "write a file": lambda: _victim("new").write_text("x"),
    "make a folder": lambda: _victim("folder").mkdir(),
    "make a symbolic link": lambda: _victim("link").symlink_to("/etc/passwd"),
    "make a hard link": lambda: _victim("hard").hardlink_to(_victim()),
    "give its output a name": lambda: os.link(
        f"/proc/self/fd/{_output()}", _victim("named"), follow_symlinks=True
    ),
    "make a pipe with a name": lambda: os.mkfifo(_victim("pipe")),
    "rename a file": lambda: _victim().rename(_victim("moved")),
    "remove a file": lambda: _victim().unlink(),
    "change the mode of a path": lambda: _victim().chmod(0o777),
    "change the mode of its output": lambda: os.fchmod(_output(), 0o777),
    "change the owner of its output": lambda: os.fchown(_output(), 0, 0),
    "change the times of its output": lambda: os.utime(_output(), (0, 0)),
    "set an attribute of its output": lambda: os.setxattr(_output(), "user.x", b"x"),
    "cut its output": lambda: os.ftruncate(_output(), 1 << 30),
    "reserve room for its output": lambda: os.posix_fallocate(_output(), 0, 1 << 30),
    "lock its output": lambda: fcntl.flock(_output(), fcntl.LOCK_EX),
    "change its root": lambda: os.chroot("/"),
    "change its folder": lambda: os.chdir("/"),
    "fork": os.fork,
    "fork and survive": _fork_and_survive,
    "fork by clone": lambda: _call("clone", int(signal.SIGCHLD), 0, 0, 0, 0),
    "share its memory with a process": lambda: _call(
        "clone", _VM | int(signal.SIGCHLD), 0, 0, 0, 0
    ),
    "run a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 (it does not start)
    "signal its parent": lambda: _kill(os.getppid()),
    "signal its group": lambda: _kill(0),
    "signal everything": lambda: _kill(-1),
    "signal its parent's thread": lambda: _call("tkill", os.getppid(), 0),
    "queue a signal to its parent": lambda: _call("rt_sigqueueinfo", os.getppid(), 15, _buffer()),
    "have the kernel signal its parent": _become_owner_of_signals,
    "hold its parent": lambda: _call("pidfd_open", os.getppid(), 0),
    "trace its parent": lambda: _call("ptrace", 16, os.getppid(), 0, 0),
    "be traced": lambda: _call("ptrace", 0, 0, 0, 0),
    "read its parent's memory": lambda: _call(
        "process_vm_readv", os.getppid(), _buffer(), 1, _buffer(), 1, 0
    ),
    "write its parent's memory": lambda: _call(
        "process_vm_writev", os.getppid(), _buffer(), 1, _buffer(), 1, 0
    ),
    "limit its parent": _limit_parent,
    "raise its CPU time": lambda: _raise_limit(resource.RLIMIT_CPU),
    "raise its memory": lambda: _raise_limit(resource.RLIMIT_AS),
    "raise its file size": lambda: _raise_limit(resource.RLIMIT_FSIZE),
    "raise its priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, -5),
    "slow its parent down": lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "bind its parent to a core": lambda: os.sched_setaffinity(os.getppid(), {0}),
    "leave its group": lambda: os.setpgid(0, 0),
    "lead a session": os.setsid,
    "become root": lambda: os.setuid(0),
    "become a group": lambda: os.setgid(0),
    "join groups": lambda: os.setgroups([0]),
    "be readable again": lambda: _checked(_LIBC.prctl(4, 1, 0, 0, 0)),
    "outlive its parent": lambda: _checked(_LIBC.prctl(1, 0, 0, 0, 0)),
    "map code": _map_code,
    "make code of memory": _make_code_of_memory,
    "reach the network": lambda: socket.socket(socket.AF_INET),
    "reach the network by version 6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
    "speak to the kernel's network": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "read packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
    "bind an abstract socket": _bind_abstract,
    "make two sockets": socket.socketpair,
    "send a descriptor back": _send_descriptor,
    "make a pipe": os.pipe,
    "copy a descriptor": lambda: os.dup(_output()),
    "type into a terminal": lambda: fcntl.ioctl(0, 0x5412, b"x"),
    "write past the limit": _grow_output,
    "fill the disk": _fill_the_disk,
    "take two gigabytes": _take_memory,
    "find a secret": _find_secret,
    "find an open descriptor": _find_open_descriptors,
    "find a former job": _find_former_job,
}


def attempt(_: Input, arguments: Mapping[str, Any], __: Output) -> dict[str, Any]:
    """Try one of ATTEMPTS, and say what the kernel said."""
    _FOLDER[0] = Path(arguments["folder"])
    try:
        ATTEMPTS[arguments["name"]]()
    except (OSError, MemoryError, ValueError) as error:
        return {"outcome": type(error).__name__}
    return {"outcome": "escaped"}


def signal_itself(_: Input, arguments: Mapping[str, Any], __: Output) -> dict[str, Any]:
    """Die by a signal, as a decoder with a fault does."""
    os.kill(os.getpid(), arguments["signal"])
    return {}


def use_the_cpu(*_: object) -> NoReturn:
    """Never come back."""
    while True:
        pass


def sleep(*_: object) -> dict[str, Any]:
    """Not come back in time."""
    time.sleep(60)
    return {}


def answer_raw(_: Input, arguments: Mapping[str, Any], __: Output) -> NoReturn:
    """Answer with bytes that the test has chosen, the last of them many times."""
    content = bytes.fromhex(arguments["bytes"])
    os.write(_channel(), content + content[-1:] * arguments["more"])
    os._exit(0)


def answer(_: Input, arguments: Mapping[str, Any], output: Output) -> Any:
    """Write an output and answer with what the test has chosen, as a result."""
    if "output" in arguments:
        output.write(bytes.fromhex(arguments["output"]))
    return arguments["result"]


def answer_for_ever(*_: object) -> NoReturn:
    """Begin an answer, and never end it."""
    os.write(_channel(), struct.pack(">I", 60_000))
    while True:
        os.write(_channel(), b" ")
        time.sleep(0.1)


def write_after_the_answer(_: Input, __: Mapping[str, Any], output: Output) -> NoReturn:
    """Answer, then go on to change the output."""
    output.write(b"\xff\xd8\xff" + b"a" * 1000)
    os.write(_channel(), frame(b'{"result": {"bytes": 1003}, "cpu": 0.0}'))
    os.write(_channel(), frame(b'{"result": {"bytes": 5}, "cpu": 0.0}'))
    while True:
        os.lseek(_output(), 3, os.SEEK_SET)
        os.write(_output(), b"b" * 1000)


def start_threads(*_: object) -> dict[str, Any]:
    """Start threads and leave them running."""
    for _number in range(8):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return {"threads": threading.active_count()}


def describe_itself(*_: object) -> dict[str, Any]:
    """Return what this process is."""
    return {"process": os.getpid(), "user": os.getuid(), "group": os.getgid()}


OPERATIONS = {
    each.__name__: each
    for each in (
        attempt, signal_itself, use_the_cpu, sleep, answer_raw, answer, answer_for_ever,
        write_after_the_answer, start_threads, describe_itself,
    )
}  # fmt: skip
