"""One record for each format is all that every process needs to know of it."""

from pathlib import Path

import pytest
from PIL import Image

from images.formats import registry
from images.formats.detect import codec_for, codec_named
from images.formats.limits import Limits, RefusedPicture
from images.formats.registry import FORMATS, content_type_of
from tests.decoding import inspect, render_jpeg, render_thumbnails, strip
from tests.images.formats.toy_format import PPM
from tests.measures import downscale, psnr
from tests.pictures import encode, open_image, quarters, waves

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)


@pytest.fixture
def ppm_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the record of a new format, and nothing else."""
    monkeypatch.setitem(FORMATS, "PPM", PPM)
    # What the module makes of the records when it is loaded.
    monkeypatch.setitem(registry._CONTENT_TYPES, PPM.extension, PPM.content_type)


def ppm(image: Image.Image, comment: bytes = b"") -> bytes:
    return b"P6\n%b%d %d\n255\n%b" % (comment, *image.size, image.tobytes())


@pytest.mark.parametrize("name", FORMATS)
def test_content_names_one_format_and_its_extension_the_content_type(name: str) -> None:
    head = encode(quarters(40, 30), name)[:64]
    assert [each for each in FORMATS if codec_named(each).matches(head)] == [name]
    assert codec_for(head) is codec_named(name)
    assert content_type_of(f"users/a.{FORMATS[name].extension}") == FORMATS[name].content_type


def test_another_extension_has_no_content_type() -> None:
    assert [content_type_of(name) for name in ("a.exe", "jpg.", "a", "")] == [None] * 4


@pytest.mark.usefixtures("ppm_is_taken")
def test_a_new_format_is_one_module_and_one_record(tmp_path: Path) -> None:
    source, stripped = tmp_path / "source", tmp_path / "stripped"
    picture = waves(300, 200)
    source.write_bytes(ppm(picture, b"# SECRET\n"))

    facts = inspect(source, LIMITS)
    assert (facts.format, facts.width, facts.height, facts.frames) == ("PPM", 300, 200, 1)
    assert content_type_of(f"users/a.{facts.extension}") == facts.content_type == PPM.content_type

    assert strip(source, stripped, facts.format) is True
    assert stripped.read_bytes() == ppm(picture)
    assert strip(stripped, tmp_path / "again", facts.format) is False

    [made] = render_thumbnails(source, [100], tmp_path).thumbnails
    assert psnr(open_image(made.path), downscale(picture, 100)) > 38
    assert render_jpeg(source, tmp_path / "whole.jpg") == (300, 200)


@pytest.mark.usefixtures("ppm_is_taken")
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (ppm(quarters(30, 20))[:-1], "damaged"),
        (b"P6\nno header", "damaged"),
        (b"P6\n60000 60000\n255\n", "too_many_pixels"),
    ],
)
def test_a_new_format_is_refused_for_the_same_reasons(
    tmp_path: Path, content: bytes, code: str
) -> None:
    (tmp_path / "source").write_bytes(content)
    with pytest.raises(RefusedPicture) as refused:
        inspect(tmp_path / "source", LIMITS)
    assert refused.value.code == code


def test_without_its_record_a_format_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(ppm(quarters(30, 20)))
    with pytest.raises(RefusedPicture, match="PNM pictures are not taken"):
        inspect(tmp_path / "source", LIMITS)


def test_the_gallery_offers_the_formats_that_are_taken() -> None:
    page = Path(__file__).parents[3] / "templates" / "images" / "pictures.html"
    offered = page.read_text().split('accept="')[1].split('"')[0].split(",")
    assert {each.content_type for each in FORMATS.values()} <= set(offered)
