"""What makes forks cheap: what lies between, and what the kernel copies for nothing."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.processes import ROOT

_PROGRAM = """
import ctypes, json, logging, os, resource, sys, threading
sys.path.insert(0, {root!r})
from images.sandbox import memory
from images.sandbox.system_calls import fork

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = memory.HeapFacts
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def gaps():
    facts = libc.mallinfo2()
    return facts.free - facts.free_at_the_end

memory.share_heap()
taken = [libc.malloc(100 + number % 900) for number in range(5000)]
for each in taken[::2]:
    libc.free(each)
before = gaps()
memory.settle()
after = gaps()

def pages(fork):
    begin = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    for _ in range(20):
        child = fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
    return (resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - begin) / 20

def mappings():
    found = {{}}
    for line in open("/proc/self/smaps"):
        first, *rest = line.split()
        if not first.endswith(":"):
            place = tuple(int(each, 16) for each in first.split("-"))
        elif first == "VmFlags:":
            found[place] = rest
    return found

def mapping_of(address):
    return next(place for place in mappings() if place[0] <= address < place[1])

in_thread = []
thread = threading.Thread(target=lambda: in_thread.append(libc.malloc(50_000)))
thread.start()
thread.join()
first = libc.malloc(50_000)
large = libc.malloc(20 * 1024**2)
print(json.dumps({{
    "before": before, "after": after, "ours": pages(fork), "os": pages(os.fork),
    "threads share": mapping_of(in_thread[0]) == mapping_of(first),
    "first": mappings()[mapping_of(first)],
    "large": mappings()[mapping_of(large + 10 * 1024**2)],
    "takes": os.path.exists("/sys/kernel/mm/transparent_hugepage"),
}}))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    program = [sys.executable, "-I", "-c", _PROGRAM.format(root=str(ROOT))]
    done = subprocess.run(program, capture_output=True, check=True, env={})
    return dict(json.loads(done.stdout))


def test_what_was_loaded_leaves_no_gaps_and_a_fork_copies_little(found: dict[str, Any]) -> None:
    assert found["before"] > 500_000
    assert found["after"] < found["before"] / 5
    # The rest is what any fork copies: the stack, and the C library's own.
    assert found["ours"] < 0.7 * found["os"]


def test_large_pictures_come_in_huge_pages_and_threads_share_the_heap(
    found: dict[str, Any],
) -> None:
    """The flag is what Linux calls "hg" in proc(5); a kernel without such pages has none."""
    assert found["threads share"]
    assert "hg" not in found["first"]
    assert ("hg" in found["large"]) == found["takes"]
