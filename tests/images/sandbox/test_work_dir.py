"""A work folder keeps what is in use and loses what a killed process left."""

import os
import time
from pathlib import Path

from images.sandbox.work_dir import STALE_AFTER_SECONDS, remove_stale_files


def test_only_files_untouched_for_an_hour_are_removed(tmp_path: Path) -> None:
    for name in ("forgotten", "in use"):
        (tmp_path / f"{name}.upload").write_bytes(b"x")
        (tmp_path / name).mkdir()
        (tmp_path / name / "source.jpg").write_bytes(b"x")
    past = time.time() - STALE_AFTER_SECONDS - 1
    for name in ("forgotten.upload", "forgotten"):
        os.utime(tmp_path / name, (past, past))
    remove_stale_files(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in use", "in use.upload"]
