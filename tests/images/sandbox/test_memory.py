"""What makes forks cheap: what lies between, and what the kernel copies for nothing."""

import json
import subprocess
import sys

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

print(json.dumps({{"before": before, "after": after, "ours": pages(fork), "os": pages(os.fork)}}))
"""


def test_what_was_loaded_leaves_no_gaps_and_a_fork_copies_little() -> None:
    program = [sys.executable, "-I", "-c", _PROGRAM.format(root=str(ROOT))]
    found = json.loads(subprocess.run(program, capture_output=True, check=True, env={}).stdout)
    assert found["before"] > 1_000_000
    assert found["after"] < found["before"] / 10
    # The rest is what any fork copies: the stack, and the C library's own.
    assert found["ours"] < 0.7 * found["os"]
