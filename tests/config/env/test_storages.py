"""The storage is chosen by environment alone, and a wrong choice stops the start."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from images.storage.urls import InvalidStorageUrl, describe_storage
from tests.processes import ROOT
from tests.servers import loaded_python

KEYS = {"access_key": "AK", "secret_key": "hush"}


def options(url: str, **given: str) -> Any:
    return describe_storage(url, KEYS | given)["OPTIONS"]


def test_everything_can_stand_in_the_address() -> None:
    found = options(
        "s3://A%2FK:se%2Fcret@pics/a/b?endpoint_url=https://s3.example.org/&region=eu-west-1"
        "&public_endpoint_url=https://files.example.org&addressing_style=virtual"
    )
    assert found == {
        "bucket_name": "pics",
        "location": "a/b",
        "endpoint_url": "https://s3.example.org",
        "public_endpoint_url": "https://files.example.org",
        "region_name": "eu-west-1",
        "addressing_style": "virtual",
        "access_key": "A/K",
        "secret_key": "se/cret",
    }


def test_what_the_address_leaves_out_comes_from_the_usual_names() -> None:
    found = options("s3://pics", endpoint_url="http://minio:9000", region="eu-north-1")
    assert (found["endpoint_url"], found["region_name"]) == ("http://minio:9000", "eu-north-1")
    assert (found["access_key"], found["secret_key"], found["location"]) == ("AK", "hush", "")
    assert found["addressing_style"] == "path"


def test_without_a_server_it_is_amazons_of_the_region() -> None:
    found = options("s3://pics?region=eu-west-1")
    assert found["endpoint_url"] == "https://s3.eu-west-1.amazonaws.com"
    assert found["addressing_style"] == "virtual"


def test_a_folder_is_a_storage_too() -> None:
    assert describe_storage("file:///srv/my%20pictures", {}) == {
        "BACKEND": "images.storage.disk.DiskStorage",
        "OPTIONS": {"location": "/srv/my pictures"},
    }


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pics", "must start with s3://"),
        ("https://s3.example.org/pics", "not https://"),
        ("s3://", "bucket's name is missing"),
        ("s3:///prefix", "bucket's name is missing"),
        ("s3://no_", "no bucket"),
        ("s3://minio:9000/pics", "goes into endpoint_url"),
        ("s3://minio:port/pics", "must look like s3://bucket"),
        ("s3://pics/a/../b", "the prefix may have"),
        ("s3://pics/a//b", "the prefix may have"),
        ("s3://pics?regon=x", "unknown option 'regon'; there are endpoint_url, region"),
        ("s3://pics?region=", "region is empty"),
        ("s3://pics?endpoint_url=minio:9000", "endpoint_url must look like https://host"),
        ("s3://pics?public_endpoint_url=ftp://x", "public_endpoint_url must look like"),
        ("s3://pics?addressing_style=odd", "addressing_style must be one of"),
        ("file://host/folder", "must look like file:///"),
        ("file:///", "must look like file:///"),
    ],
)
def test_a_wrong_address_is_refused_in_one_line_without_its_secrets(url: str, words: str) -> None:
    with pytest.raises(InvalidStorageUrl) as refused:
        describe_storage(url, KEYS)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("missing", ["access_key", "secret_key"])
def test_a_missing_key_is_named(missing: str) -> None:
    with pytest.raises(
        InvalidStorageUrl, match="it needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ):
        describe_storage("s3://pics", {**KEYS, missing: ""})


PROGRAM = """
from images.storage.base import picture_storage
picture_storage.exists
print(type(picture_storage._wrapped).__name__, getattr(picture_storage, "bucket_name", ""),
      getattr(picture_storage, "_secret_key", ""))
"""


def run_program(tmp_path: Path, **variables: str) -> tuple[str, int]:
    """Start a process with an environment of its own; returns what it says, and its code."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    given |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LOCAL": "on", **variables}
    given["DATA_DIR"] = str(tmp_path)
    command = [
        loaded_python.find(), "manage.py", "shell", "--no-imports", "-v", "0", "-c", PROGRAM,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=100
    )
    return (done.stdout + done.stderr).strip(), done.returncode


@pytest.mark.slow
def test_a_process_takes_its_storage_from_the_usual_names(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file\n")
    said, code = run_program(
        tmp_path,
        AWS_STORAGE_BUCKET_NAME="pics",
        AWS_ACCESS_KEY_ID="AK",
        AWS_SECRET_ACCESS_KEY_FILE=str(secret),
    )
    assert (said, code) == ("S3PictureStorage pics from a file", 0)


@pytest.mark.slow
def test_without_a_bucket_files_lie_on_disk(tmp_path: Path) -> None:
    said, code = run_program(tmp_path, AWS_ACCESS_KEY_ID="AK")
    assert (said, code) == ("DiskStorage", 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"STORAGE_URL": "s3://pics"}, "STORAGE_URL: it needs AWS_ACCESS_KEY_ID"),
        ({"STORAGE_URL": "s3://a:b@pics?x=1"}, "STORAGE_URL: unknown option 'x'"),
        ({"AWS_STORAGE_BUCKET_NAME": "pics"}, "AWS_STORAGE_BUCKET_NAME: it needs AWS_ACCESS_KEY"),
        (
            {"STORAGE_URL": "s3://a:b@pics", "AWS_STORAGE_BUCKET_NAME": "pics"},
            "Set STORAGE_URL or AWS_STORAGE_BUCKET_NAME, not both.",
        ),
    ],
)
def test_a_wrong_choice_stops_the_start_with_one_line(
    tmp_path: Path, variables: dict[str, str], line: str
) -> None:
    said, code = run_program(tmp_path, **variables)
    assert (said.startswith(f"tintype: {line}"), code) == (True, 1), said
