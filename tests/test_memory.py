"""The memory of a web process that takes and returns large pictures as base64."""

import json
import sqlite3
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from tests.pictures import encode
from tests.processes import PASSWORD, dev_run

pytestmark = [
    pytest.mark.processes,
    pytest.mark.nightly,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads /proc"),
]
MAX_GROWTH = 60 * 1024  # KiB
# As many as there are threads, and as many again that wait.
AT_ONCE = 16


def find_web_process(data_dir: Path) -> Path:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            of_this_run = f"DATA_DIR={data_dir}".encode() in (folder / "environ").read_bytes()
            if of_this_run and b"devkit.web" in (folder / "cmdline").read_bytes():
                return folder
        except OSError:
            continue
    raise AssertionError("no web process")


def read_kib(process: Path, field: str) -> int:
    line = next(x for x in (process / "status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1])


def test_a_20_mb_picture_as_base64_grows_the_process_by_a_bounded_amount(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (2600, 2600, 3), dtype=np.uint8)
    content = encode(Image.fromarray(noise), "PNG", compress_level=0)
    assert len(content) > 20_000_000
    data_dir = tmp_path / "data"
    with dev_run(data_dir) as service:
        with sqlite3.connect(data_dir / "db.sqlite3") as database:
            database.execute("UPDATE tiers_tier SET max_upload_bytes = 25000000")
        database.close()
        body = {"login": "admin", "password": PASSWORD}
        token = requests.post(f"{service.url}/auth/signin", json=body, timeout=10).json()["token"]
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {token}"
        session.post(f"{service.url}/image", json={"image": "x"}, timeout=10)
        process = find_web_process(data_dir)
        idle = read_kib(process, "VmRSS")
        (process / "clear_refs").write_text("5")  # reset the peak, VmHWM
        sent = json.dumps({"image": b64encode(content).decode()})
        answer = session.post(
            f"{service.url}/image",
            data=sent,
            headers={"Content-Type": "application/json"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        back = session.get(f"{service.url}/image/{answer.json()['id']}", timeout=60).json()
        assert b64decode(back["image"].partition(",")[2]) == content
        grown = read_kib(process, "VmHWM") - idle
        assert grown < MAX_GROWTH, f"grew by {grown // 1024} MiB"
        statuses = send_at_once(session, service.url, content[:14_000_000])
        assert statuses == {400}
        # A form, with a picture that is cut off like those.
        form = {"image": b64encode(content[:10_000_000]).decode()}
        assert session.post(f"{service.url}/image", data=form, timeout=60).status_code == 400
        grown = read_kib(process, "VmHWM") - idle
        assert grown < MAX_GROWTH, f"grew by {grown // 1024} MiB"
        assert read_kib(process, "VmRSS") < 1.2 * idle


def send_at_once(session: requests.Session, url: str, content: bytes) -> set[int]:
    """Send bodies of 20 MB to both contracts that take base64; return the statuses."""
    text = b64encode(content).decode()
    bodies = {"/image": json.dumps({"image": text}), "/api/images": json.dumps({"data": text})}

    def send(path: str) -> int:
        headers = {**session.headers, "Content-Type": "application/json"}
        return requests.post(url + path, bodies[path], headers=headers, timeout=120).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return set(pool.map(send, [*bodies] * (AT_ONCE // 2)))
