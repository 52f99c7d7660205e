"""The default picture and the names under which it is copied."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path, PurePosixPath

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from config.start import require_default_picture
from images.default_picture import DEFAULT_FILE, FACTS, check_default_picture, safe_stem
from images.formats.limits import Limits
from images.models import Picture
from images.storage.base import picture_storage
from images.storage.keys import USERS, is_key
from tests.clients import Client
from tests.decoding import inspect
from tests.pictures import jpeg
from tests.processes import ROOT

OWNER = "00000000-0000-4000-8000-000000000000"


def test_what_is_written_of_the_default_picture_is_true() -> None:
    limits = Limits(max_bytes=10_000_000, max_pixels=10_000_000)
    assert inspect(DEFAULT_FILE, limits) == FACTS
    assert DEFAULT_FILE.stat().st_size < 10_000


@given(st.text(max_size=300))
def test_no_name_leaves_its_folder_or_is_too_long_for_a_disk(name: str) -> None:
    stem = safe_stem(name)
    key = f"{USERS}/{OWNER}/{stem}.png"
    if stem:
        assert is_key(key)
        assert PurePosixPath(key).name == f"{stem}.png"
    assert len(stem) <= 100


# --- The operator's own -------------------------------------------------------------------------


@pytest.fixture
def operators(tmp_path: Path, settings: Settings) -> Callable[[bytes], None]:
    """Return a function that makes these bytes the operator's picture."""

    def choose(content: bytes) -> None:
        path = tmp_path / f"{len(content)}.bin"
        path.write_bytes(content)
        settings.DEFAULT_PICTURE = str(path)

    return choose


@pytest.mark.django_db
def test_the_operators_picture_is_served_with_its_true_type_and_copied(
    alice: User, operators: Callable[[bytes], None]
) -> None:
    content = jpeg(60, 40)
    operators(content)
    response = Client().get("/images/default/default.png")
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    assert response.content == content
    address = f"/pictures/create-default-picture/{alice.pk}"
    body = {"customName": "ana.png"}
    made = Client().post(address, body, content_type="application/json").json()["picture"]
    assert made["path"] == "ana.jpg"
    copied = Picture.objects.get()
    assert (copied.format, copied.width, copied.height, copied.bytes) == (
        "JPEG", 60, 40, len(content)
    )  # fmt: skip
    assert copied.sha256 == hashlib.sha256(content).hexdigest()
    with picture_storage.open(copied.key) as file:
        assert file.read() == content
    picture_storage.delete(copied.key)
    call_command("verify_storage", "--fix", stdout=StringIO())
    with picture_storage.open(copied.key) as file:
        assert file.read() == content


REFUSED = [
    (b"no picture", "is not taken: This is not a picture."),
    (b"", "is not taken: The file is empty."),
    (jpeg(60, 40)[:-300], "is not taken: The picture is damaged or incomplete."),
    (b"\0" * (15 * 1024 * 1024 + 1), "is not taken: More than 15728640 bytes."),
]


@pytest.mark.parametrize(("content", "reason"), REFUSED)
def test_a_file_that_could_not_be_uploaded_is_reported_at_start(
    operators: Callable[[bytes], None], content: bytes, reason: str
) -> None:
    operators(content)
    [error] = check_default_picture()
    assert error.msg == f"DEFAULT_PICTURE {reason}"
    with pytest.raises(SystemCheckError, match="DEFAULT_PICTURE is not taken"):
        call_command("check")
    with pytest.raises(SystemExit, match=r"^tintype: DEFAULT_PICTURE is not taken"):
        require_default_picture()


@pytest.mark.processes
def test_a_service_with_a_bad_default_picture_does_not_start(tmp_path: Path) -> None:
    variables = {**os.environ, "LOCAL": "on", "DATA_DIR": str(tmp_path), "REDIS_URL": ""}
    variables |= {"DEFAULT_PICTURE": "/no/such", "DJANGO_SETTINGS_MODULE": "config.settings"}
    finished = subprocess.run(
        [sys.executable, "-c", "import config.asgi"],
        cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (finished.returncode, finished.stderr) == (
        1, "tintype: DEFAULT_PICTURE cannot be read: No such file or directory.\n"
    )  # fmt: skip
