"""`./dev bench memory`: what the local run and a deployment take, idle and after 48 uploads.

MiB of PSS, in which what processes share counts in shares, of all processes of a part; those of
decoders have a column of their own. 12 MP JPEG are uploaded, 16 at a time. A deployment runs with
the packages of the image, the local run with those of development.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks import drawn
from benchmarks.deployment import Deployment
from benchmarks.memory.image import image_python
from benchmarks.memory.local import LocalRun
from benchmarks.processes import descendants, pss_mib_of
from benchmarks.tables import show
from benchmarks.turns import turn
from benchmarks.upload.client import Form, Person, Service
from benchmarks.upload.scenarios import Row, send_many
from devkit.children import Reaper

UPLOADS, LANES = 48, 16
_OURS = ("web", "sockets", "worker", "beat")
# What a command line tells of a process, looked for in this order.
_NAMES = {
    "config/decoder.py": "decoders",
    "valkey-server": "valkey",
    "reaper.py": "supervisor",
    "dev run": "supervisor",
    "devkit.web": "web",
    "config.web": "web",
    "granian": "web",
    "draining_server": "web",
    "uvicorn": "sockets",
    "devkit.worker": "worker",
    " worker": "worker",
    " beat": "beat",
}


def main() -> None:
    """Measure one after the other, and say."""
    asked = _arguments()
    forms = {name: Form.of(path) for name, path in drawn.photographs().items()}
    if "local" in asked.what:
        _measure_local_run(forms, asked)
    if "deployed" in asked.what:
        _measure_deployment(forms, asked)


def _measure_local_run(forms: dict[str, Form], asked: argparse.Namespace) -> None:
    with ExitStack() as stack:
        run = LocalRun(stack.enter_context(Reaper()))
        rows = _measure(run, [run.child.process.pid], forms["JPEG"], asked)
        show("Local run, MiB", rows)


def _measure_deployment(forms: dict[str, Form], asked: argparse.Namespace) -> None:
    with ExitStack() as stack:
        deployment = Deployment(stack.enter_context(Reaper()), python=image_python())
        deployment.sql("update tiers_tier set max_upload_bytes = 50000000")
        deployment.start(workers=1)
        ours = [
            deployment.parts[name][0].process.pid for name in ("web", "sockets", "worker", "beat")
        ]
        rows = _measure(deployment, ours, forms["JPEG"], asked)
        show("Deployment of one web worker, MiB", rows)
        web = deployment.parts["web"][0].process.pid
        show("One upload of a 12 MP PNG", {"web": _measure_growth(deployment, web, forms["PNG"])})


def _measure(
    service: Service, leaders: Iterable[int], form: Form, asked: argparse.Namespace
) -> dict[str, Row]:
    with turn():
        time.sleep(asked.rest)
        rows = {"idle": _memory(leaders)}
        with closing(Person(service, "bench")) as person:
            person.upload(form)
            time.sleep(asked.rest)
            rows["after an upload"] = _memory(leaders)
            send_many(person, form, UPLOADS, LANES)
        rows[f"after {UPLOADS} more"] = _memory(leaders)
        time.sleep(asked.wait)
        rows[f"{asked.wait:.0f} s later"] = _memory(leaders)
    later = rows[f"{asked.wait:.0f} s later"]
    for name in ("idle", "after an upload"):
        rows[f"later to {name}"] = {
            part: (later.get(part) or 0) / (value or 1) for part, value in rows[name].items()
        }
    return rows


def _memory(leaders: Iterable[int]) -> Row:
    """Return MiB by the names of processes, and sums."""
    found: dict[str, float] = defaultdict(float)
    for leader in leaders:
        for pid in descendants(leader):
            found[_name_of(pid)] += pss_mib_of(pid)
    decoders, whole = found.pop("decoders", 0.0), sum(found.values())
    return {**dict(sorted(found.items())), "all of these": whole, "decoders": decoders}


def _name_of(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return "others"
    return next((name for word, name in _NAMES.items() if word in command), "others")


def _measure_growth(deployment: Deployment, web: int, form: Form) -> Row:
    """Return by how much the largest web process grows at most while it takes one upload."""
    with turn(), closing(Person(deployment, "large")) as person:
        person.upload(form)
        time.sleep(1)
        processes = [pid for pid in descendants(web) if _name_of(pid) == "web"]
        before = {}
        for pid in processes:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak starts anew
            before[pid] = _status_mib(pid, "VmRSS")
        person.upload(form)
        grown = max(_status_mib(pid, "VmHWM") - before[pid] for pid in processes)
    return {"its MiB": len(form.body) / 1024**2, "grows by": grown}


def _status_mib(pid: int, field: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{field}:")[1].split()[0]) / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench memory", description=__doc__)
    parser.add_argument("what", nargs="*", default=["local", "deployed"], help="local, deployed")
    parser.add_argument("--rest", type=float, default=8, help="seconds before a measurement")
    parser.add_argument("--wait", type=float, default=60, help="seconds after the uploads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
