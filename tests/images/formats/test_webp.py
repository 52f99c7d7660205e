"""WebP's header, read without a decoder's canvas, and what it says of transparency."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from images.formats.detect import codec_named
from images.formats.limits import Limits
from images.formats.resizing import resize_and_verify
from tests.processes import ROOT

LIMITS = Limits(max_bytes=10_000_000, max_pixels=50_000_000)
_ALPHA_FLAG = 0x10
_FLAGS_AT = 20
_CANVAS_BYTES = 4000 * 3000 * 4

# Memory counts that is mapped, whether it was written to or not; threads have theirs by the first.
_PROGRAM = """
import resource, sys
sys.path.insert(0, {root!r})
from images.formats import inspect, limits, resizing

def shrink(path):
    data = open(path, "rb").read()
    facts = inspect.identify(data, limits.Limits(max_bytes=10_000_000, max_pixels=50_000_000))
    image = resizing.resize_and_verify(data, facts, height=20)
    return facts.width, facts.height, image.width, image.height

shrink({small!r})
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + {room}, taken + {room}))
print(*shrink({large!r}))
"""


def webp(mode: str, **options: object) -> bytes:
    color = (200, 100, 50, 128)[: len(mode)]
    written = io.BytesIO()
    image = Image.new(mode, (40, 30), color)
    image.putpixel((3, 3), (1, 2, 3, 4)[: len(mode)])
    image.save(written, "WEBP", **options)
    return written.getvalue()


def with_flags(content: bytes, flags: int) -> bytes:
    """Return an extended file whose header states something else."""
    assert content[12:16] == b"VP8X"
    return content[:_FLAGS_AT] + bytes([flags]) + content[_FLAGS_AT + 1 :]


LOSSY, LOSSLESS = webp("RGBA"), webp("RGBA", lossless=True, xmp=b"<x/>")
FRAMES = {"save_all": True, "append_images": [Image.new("RGB", (40, 30), "blue")]}
FILES = {
    "lossy": webp("RGB"),
    "lossy with transparency": LOSSY,
    "lossy with transparency that its header does not state": with_flags(LOSSY, 0),
    "lossless": webp("RGB", lossless=True),
    "lossless with transparency": webp("RGBA", lossless=True),
    "lossless with transparency that its header does not state": with_flags(LOSSLESS, 0),
    "lossless without transparency that its header states": with_flags(
        webp("RGB", lossless=True, xmp=b"<x/>"), _ALPHA_FLAG
    ),
    "an animation": webp("RGB", **FRAMES),
    "an animation with transparency": webp("RGBA", **FRAMES),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_header_says_what_the_decoder_finds(content: bytes) -> None:
    facts = codec_named("WEBP").describe(content, LIMITS)
    with Image.open(io.BytesIO(content)) as image:
        assert (facts.width, facts.height) == image.size
        assert facts.frames == getattr(image, "n_frames", 1)
        assert facts.has_alpha == (image.mode == "RGBA")


def test_a_picture_is_checked_and_shrunk_without_memory_for_its_whole_canvas(
    tmp_path: Path,
) -> None:
    small, large = tmp_path / "small.webp", tmp_path / "large.webp"
    small.write_bytes(FILES["lossy"])
    Image.new("RGB", (4000, 3000), "teal").save(large, method=0)
    program = _PROGRAM.format(
        root=str(ROOT), small=str(small), large=str(large), room=_CANVAS_BYTES // 2
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env={"MALLOC_ARENA_MAX": "1"},
    )
    assert done.stdout.split() == ["4000", "3000", "27", "20"]


def test_a_picture_that_is_one_pixel_wide_or_high_is_shrunk() -> None:
    for size in ((1, 300), (300, 1)):
        written = io.BytesIO()
        Image.new("RGB", size, "teal").save(written, "WEBP")
        content = written.getvalue()
        facts = codec_named("WEBP").describe(content, LIMITS)
        image = resize_and_verify(content, facts, height=100)
        assert (facts.width, facts.height) == size
        assert image is not None
        assert image.height == min(100, size[1])
