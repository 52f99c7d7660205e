"""From upload to thumbnails ready through the real processes, beside the sum of its parts."""

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import requests
from tqdm import tqdm

from benchmarks.thumbnails.ways import render_ours
from tests.processes import PASSWORD, Running, dev_run, process_ids_of, until

PICTURES, CONCURRENCY, SAMPLES = 60, 4, 9
_TICKS = os.sysconf("SC_CLK_TCK")


def run(picture: Path) -> None:
    """Measure SQLite, Valkey, one web process and a worker of two threads; print the figures."""
    print(
        f"Pipeline: {PICTURES} uploads of one picture, {CONCURRENCY} at a time, heights 400 and 200"
    )
    check, render = _measure_parts(picture)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        with dev_run(data_dir, RATE_LIMITS="off") as service:
            session = _sign_up(service)
            _upload(service, session, picture)
            _wait_for_thumbnails(service, session, 1)
            cpu, wall = _measure(service, session, picture, data_dir)
    parts = check + render
    print(f"  {1000 / wall:6.1f} pictures a second, {wall:.0f} ms each on {os.cpu_count()} cores")
    print(f"  {cpu:6.1f} ms of CPU each, of which")
    print(f"  {check:6.1f} ms to check the upload and {render:.1f} ms to render, measured alone")
    print(f"  {cpu / parts:6.2f} x the sum of its parts\n", flush=True)


def _measure_parts(picture: Path) -> tuple[float, float]:
    """Return milliseconds of CPU for the check at upload, and for both thumbnails."""
    from images.formats.inspect import inspect
    from images.formats.limits import Limits

    limits = Limits(max_bytes=50_000_000, max_pixels=50_000_000)
    with tempfile.TemporaryDirectory() as folder:
        return (
            _median(lambda: inspect(picture.read_bytes(), limits)),
            _median(lambda: render_ours(picture, Path(folder))),
        )


def _median(work: Callable[[], object]) -> float:
    took = []
    for _ in range(SAMPLES):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return sorted(took)[SAMPLES // 2] * 1000


def _measure(
    service: Running, session: requests.Session, picture: Path, data_dir: Path
) -> tuple[float, float]:
    """Return CPU of all processes and elapsed time, in milliseconds for each picture."""
    cpu, start = _cpu_seconds(data_dir), time.monotonic()
    with (
        ThreadPoolExecutor(CONCURRENCY) as pool,
        tqdm(total=PICTURES, desc="uploading", leave=False) as bar,
    ):
        for _ in pool.map(lambda _: _upload(service, session, picture), range(PICTURES)):
            bar.update()
    _wait_for_thumbnails(service, session, PICTURES + 1)
    elapsed = time.monotonic() - start
    return (_cpu_seconds(data_dir) - cpu) / PICTURES * 1000, elapsed / PICTURES * 1000


def _sign_up(service: Running) -> requests.Session:
    session = requests.Session()
    account = {"login": "bench", "name": "bench", "password": PASSWORD}
    requests.post(f"{service.url}/auth/signup", json=account, timeout=10).raise_for_status()
    body = {"username": "bench", "password": PASSWORD}
    response = session.post(f"{service.url}/api/user/token/", data=body, timeout=10)
    session.headers["Authorization"] = f"Token {response.json()['token']}"
    return session


def _upload(service: Running, session: requests.Session, picture: Path) -> None:
    with picture.open("rb") as file:
        address = f"{service.url}/api/user/images/"
        session.post(address, files={"image": file}, timeout=60).raise_for_status()


def _wait_for_thumbnails(service: Running, session: requests.Session, pictures: int) -> None:
    address = f"{service.url}/api/user/thumbnails/?limit=200"
    until(lambda: len(session.get(address, timeout=10).json()) == 2 * pictures, 120, service)


def _cpu_seconds(data_dir: Path) -> float:
    """Return the CPU time of all processes of the service, ended children included."""
    found = _statistics()
    ours = {pid for pid in process_ids_of(data_dir) if pid in found}
    # The decoders' program knows no data folder: it is a child of who does, and has children.
    while more := {pid for pid, fields in found.items() if int(fields[1]) in ours} - ours:
        ours |= more
    return sum(int(ticks) for pid in ours for ticks in found[pid][11:15]) / _TICKS


def _statistics() -> dict[int, list[str]]:
    """Return what proc(5) tells of each process, from its state on."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            text = (folder / "stat").read_text()
            found[int(folder.name)] = text.rpartition(")")[2].split()
    return found
