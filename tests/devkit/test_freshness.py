"""The report on the libraries that read strangers' bytes says what is old, and what is unknown."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from devkit import environment, freshness

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def answer(url: str) -> bytes:
    """Answer as the two indexes do; libtiff's newest release is two years old, lcms2's unknown."""
    if "/lcms2" in url:
        raise OSError("Name or service not known")
    if "/libexif" in url:
        return b"<html>"
    day = (NOW - timedelta(days=730 if "/libtiff" in url else 20)).isoformat()
    if "conda-forge" in url:
        files = [
            {"version": "1.0", "upload_time": "2020-01-01 00:00:00.000000+00:00"},
            {"version": "2.0", "upload_time": day},
            {"version": "2.0", "upload_time": NOW.isoformat()},
        ]
        return json.dumps({"latest_version": "2.0", "files": files}).encode()
    uploads = [{"upload_time_iso_8601": day.replace("+00:00", "Z")}]
    return json.dumps({"info": {"version": "9.9"}, "urls": uploads}).encode()


def no_network(url: str) -> bytes:
    raise OSError("Name or service not known")


def test_each_library_has_a_line_with_its_age_and_what_is_old_a_warning() -> None:
    lines = list(freshness.report(answer, NOW, {"pillow": "9.8"}))
    rows = {line.split()[0]: line.split()[1:4] for line in lines[1 : 1 + len(freshness.LIBRARIES)]}
    assert rows["pillow"] == ["9.8", "9.9", "20"]
    assert rows["dav1d"] == ["?", "2.0", "20"]
    assert rows["libtiff"] == ["?", "2.0", "730"]
    rest = lines[1 + len(freshness.LIBRARIES) :]
    assert rest == [
        "WARNING: libtiff has had no release for 24 months.",
        "NOT KNOWN, since no index answered (Name or service not known; an answer of another "
        "kind): lcms2, libexif",
    ]


def test_without_a_network_it_says_so_and_fails_nothing() -> None:
    *_, last = freshness.report(no_network, NOW, {})
    assert last.startswith("NOT KNOWN, since no index answered (Name or service not known): pillow")


def test_what_is_installed_is_known() -> None:
    found = freshness.installed_versions()
    assert {"pillow", "pillow-heif", "pyvips-binary", "libheif", "libde265", "libvips"} <= set(
        found
    )
    assert all(version[0].isdigit() for version in found.values())


@pytest.mark.unhurried
def test_the_command_knows_what_is_installed_though_the_python_that_runs_it_has_nothing() -> None:
    nowhere = dict.fromkeys(["http_proxy", "https_proxy"], "http://127.0.0.1:9")
    command = [sys._base_executable, "dev", "freshness"]  # type: ignore[attr-defined]  # CPython's
    done = subprocess.run(
        command,
        cwd=environment.ROOT,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        check=True,
    )
    versions = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert versions["pillow"][0].isdigit()
