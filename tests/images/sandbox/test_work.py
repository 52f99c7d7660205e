"""Decoders are loaded in sandboxed processes and nowhere else."""

import subprocess
import sys
from pathlib import Path

import pytest

from images.formats.limits import Limits
from images.metadata.strip import strip
from images.sandbox.pool import run_sandboxed
from images.sandbox.work import inspect_picture, strip_metadata
from images.sandbox.work_dir import temporary_dir
from tests.images.sandbox import hostile
from tests.metadata_fixtures import picture_with_metadata
from tests.pictures import jpeg
from thumbnails.sandbox_work import render_jpeg, render_thumbnails

DECODERS = ("PIL", "pyvips", "pi_heif", "thash")
# What each process of a deployment imports before its first request, task or command.
ENTRANCES = {
    "web": "import config.wsgi",
    "sockets": "import config.asgi",
    "worker": "from config.celery import app; app.loader.import_default_modules()",
    "commands": (
        "import django; django.setup()\n"
        "from django.core.management import get_commands, load_command_class\n"
        "[load_command_class(app, name) for name, app in get_commands().items()]"
    ),
}
_URLS = "from django.urls import get_resolver; get_resolver().url_patterns"


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_no_other_process_loads_a_decoder(entrance: str) -> None:
    code = f"{ENTRANCES[entrance]}\n{_URLS}\nimport sys; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )
    loaded = set(ran.stdout.split())
    assert {"images.sandbox.work", "thumbnails.sandbox_work", "api.urls"} <= loaded
    assert loaded & {*DECODERS, "images.formats.inspect", "thumbnails.rendering.render"} == set()


def test_sandboxed_processes_have_loaded_every_decoder_ahead() -> None:
    assert run_sandboxed(hostile.loaded_modules, DECODERS) == list(DECODERS)


def test_all_work_is_done_in_the_sandbox() -> None:
    limits = Limits(max_bytes=10**6, max_pixels=10**6)
    with temporary_dir() as name:
        folder = Path(name)
        source = folder / "source"
        source.write_bytes(picture_with_metadata("JPEG"))
        facts = run_sandboxed(inspect_picture, source, limits)
        assert run_sandboxed(strip_metadata, source, folder / "stripped", facts.format)
        assert strip(source, folder / "here", facts.format)
        assert (folder / "stripped").read_bytes() == (folder / "here").read_bytes()
        rendered = run_sandboxed(render_thumbnails, source, [100, 50], folder)
        assert [each.path.name for each in rendered.thumbnails] == ["100.jpg", "50.jpg"]
        assert rendered.placeholder
        assert run_sandboxed(render_jpeg, source, folder / "a.jpg", width=60)[0] == 60


def test_work_leaves_the_parent_without_a_decoder() -> None:
    """What comes back is unpickled here: it must not bring a decoder along."""
    code = (
        "import django; django.setup()\n"
        "import sys, pathlib\n"
        "from images.sandbox.pool import run_sandboxed\n"
        "from images.sandbox.work_dir import temporary_dir\n"
        "from images.formats.limits import Limits\n"
        "from images.sandbox.work import inspect_picture\n"
        "from thumbnails.sandbox_work import render_thumbnails\n"
        "if __name__ == '__main__':\n"
        "    with temporary_dir() as folder:\n"
        "        source = pathlib.Path(folder) / 'source'\n"
        "        source.write_bytes(sys.stdin.buffer.read())\n"
        "        run_sandboxed(inspect_picture, source, Limits(10**6, 10**6))\n"
        "        run_sandboxed(render_thumbnails, source, [20], pathlib.Path(folder))\n"
        "    print(*sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=Path(__file__).parents[3],
        input=jpeg(60, 40),
        capture_output=True,
    )
    loaded = set(ran.stdout.decode().split())
    assert "thumbnails.renderings" in loaded
    assert loaded & set(DECODERS) == set()
