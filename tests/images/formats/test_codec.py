"""What is loaded with the codecs, once for all processes that are forked."""

import subprocess
import sys

from tests.processes import ROOT

_PROGRAM = """
import runpy, sys
sys.path.insert(0, {root!r})
load = runpy.run_path({root!r} + "/config/decoder.py")["load"]
load()
from PIL import Image
print(*sorted(Image.OPEN))
print(Image._initialized, "PIL.MpoImagePlugin" in sys.modules, "PIL.TiffImagePlugin" in sys.modules)
"""


def test_pillow_loads_no_plugin_but_of_formats_that_it_reads() -> None:
    """BMP and PPM come with whatever it opens first; an MPO is a JPEG, whose EXIF is a TIFF."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _PROGRAM.format(root=str(ROOT))],
        capture_output=True,
        check=True,
        text=True,
    )
    plugins, is_ready = done.stdout.splitlines()
    loaded = set(plugins.split()) - {"BMP", "DIB", "PPM", "TIFF"}
    assert loaded == {"AVIF", "GIF", "JPEG", "PNG"}
    # What it opens first loads nothing any more: a sandboxed process can open no file.
    assert is_ready == "1 True True"
