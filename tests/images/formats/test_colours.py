"""Colours that a file states by numbers look as the same picture does in sRGB (ΔE of CIE 1976)."""

import struct
import zlib
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from images.formats import avif
from images.formats.colours import of_code_points, of_gamma
from images.formats.isobmff import boxes, require_box
from images.formats.isobmff_relations import states_premultiplied
from images.formats.png import PngCodec
from images.formats.registry import FORMATS
from images.formats.resizing import resize
from tests import corpus
from tests.pictures import encode, waves
from tests.profiles import display_p3

SIZE = (180, 120)
SEEN = np.asarray(waves(*SIZE), float) / 255
# Red, green, blue and white, and what each makes of linear sRGB (ITU-T H.273, table 2).
XY = {
    1: [(0.640, 0.330), (0.300, 0.600), (0.150, 0.060)],
    9: [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)],
    12: [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)],
    22: [(0.630, 0.340), (0.295, 0.605), (0.155, 0.077)],
}
D65 = (0.3127, 0.3290)
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
ADOBE = [(0.640, 0.330), (0.210, 0.710), (0.150, 0.060)]
SDR = (1, 4, 5, 6, 7, 8, 13, 14, 15, 17)
PQ, HLG = 16, 18
AVIF_OPTIONS: dict[str, Any] = {"quality": 100, "subsampling": "4:4:4", "speed": 10}


def xyz(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1, (1 - x - y) / y])


def to_xyz(primaries: list[tuple[float, float]]) -> np.ndarray:
    columns = np.stack([xyz(*each) for each in primaries], axis=1)
    return np.asarray(columns * np.linalg.solve(columns, xyz(*D65)))


def to_linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_curve(light: np.ndarray, transfer: int) -> np.ndarray:
    """Return what an encoder stores of light, of which 1 is white (203 cd/m² in HDR)."""
    if transfer == PQ:
        power = (light * 203 / 10_000) ** 0.1593017578125
        curve = (0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)
        return np.asarray(curve**78.84375)
    if transfer == HLG:
        shown = light * 0.203
        luminance = (shown @ [0.2627, 0.6780, 0.0593])[..., None]
        scene = shown * np.maximum(luminance, 1e-9) ** ((1 - 1.2) / 1.2)
        logarithm = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), logarithm)
    if transfer == 7:
        above = 1.1115 * light**0.45 - 0.1115
        return np.where(light < 0.0228, light * 4, above)
    if transfer == 17:
        return np.asarray((light * 48 / 52.37) ** (1 / 2.6))
    if transfer in {4, 5, 8}:
        return np.asarray(light ** (1 / {4: 2.2, 5: 2.8, 8: 1.0}[transfer]))
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def stored(primaries: list[tuple[float, float]], transfer: int) -> np.ndarray:
    """Return the picture in other colours, from 0 to 1."""
    matrix = np.linalg.solve(to_xyz(primaries), to_xyz(XY[1]))
    light = np.clip(to_linear(SEEN) @ matrix.T, 0, None)
    return np.asarray(np.clip(to_curve(light, transfer), 0, 1))


def lab(values: np.ndarray) -> np.ndarray:
    ratio = to_linear(values) @ to_xyz(XY[1]).T / xyz(*D65)
    root = np.where(ratio > 216 / 24389, np.cbrt(ratio), (ratio * 24389 / 27 + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def difference(content: bytes, expected: np.ndarray = SEEN) -> float:
    """Return the mean ΔE (CIE 1976) of what is rendered."""
    shown = resize(content, height=SIZE[1]).numpy()[..., :3] / 255
    assert shown.shape == expected.shape
    return float(np.linalg.norm(lab(shown) - lab(expected), axis=-1).mean())


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(values: np.ndarray, *chunks: bytes, bits: int = 16) -> bytes:
    """Write a PNG of RGB with chunks before its pixels."""
    pixels = (values * (2**bits - 1)).round().astype(">u2" if bits == 16 else "u1")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def cicp(primaries: int, transfer: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, 1]))


def gama(gamma: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))


def chrm(primaries: list[tuple[float, float]]) -> bytes:
    numbers = [round(each * 100_000) for pair in [D65, *primaries] for each in pair]
    return chunk(b"cHRM", struct.pack(">8I", *numbers))


P3 = chunk(b"iCCP", b"p3\0\0" + zlib.compress(display_p3()))


@pytest.mark.parametrize("primaries", XY)
@pytest.mark.parametrize("transfer", SDR)
@pytest.mark.parametrize("bits", [8, 16])
def test_a_png_looks_as_its_code_points_say(primaries: int, transfer: int, bits: int) -> None:
    content = png(stored(XY[primaries], transfer), cicp(primaries, transfer), bits=bits)
    assert difference(content) < 1.0


@pytest.mark.parametrize("primaries", XY)
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_looks_as_its_sdr_does(primaries: int, transfer: int) -> None:
    content = png(stored(XY[primaries], transfer), cicp(primaries, transfer))
    assert difference(content) < 2.0
    # Without the conversion it would not.
    assert difference(png(stored(XY[primaries], transfer))) > 8


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_what_is_brighter_than_white_keeps_its_hue_and_order(transfer: int) -> None:
    nits = np.linspace(100, 900, SIZE[0]) / 203
    light = np.tile(nits[None, :, None] * [1.0, 0.5, 0.2], (SIZE[1], 1, 1))
    values = np.clip(to_curve(light, transfer), 0, 1)
    shown = resize(png(values, cicp(1, transfer)), height=SIZE[1]).numpy()[60].astype(int)
    assert (np.diff(shown[:, 0]) >= -1).all()
    assert shown[-1, 0] > 250 > shown[0, 0]
    ratios = to_linear(shown / 255)
    assert np.allclose(ratios[:, 1] / ratios[:, 0], 0.5, atol=0.03)


@pytest.mark.parametrize(
    ("chunks", "primaries", "transfer"),
    [
        ((gama(1.0),), XY[1], 8),
        ((gama(1 / 2.2), chrm(ADOBE)), ADOBE, 13),
        ((gama(1 / 2.8),), XY[1], 5),
        ((gama(1 / 2.2), chrm(XY[1])), XY[1], 13),
        # cICP, then iCCP, then sRGB, and only then gAMA with cHRM.
        ((cicp(9, 13), P3, gama(1.0)), XY[9], 13),
        ((P3, gama(1.0), chrm(ADOBE)), XY[12], 13),
        ((chunk(b"sRGB", b"\0"), gama(1.0), chrm(ADOBE)), XY[1], 13),
        ((cicp(1, 13), P3), XY[1], 13),
        ((cicp(2, 2),), XY[1], 13),
        ((chrm(ADOBE),), XY[1], 13),
        ((gama(0.0),), XY[1], 13),
        ((chunk(b"cICP", b"\x09"), chunk(b"gAMA", b"\0")), XY[1], 13),
    ],
)
def test_the_highest_of_a_pngs_statements_counts(
    chunks: tuple[bytes, ...], primaries: list[tuple[float, float]], transfer: int
) -> None:
    assert difference(png(stored(primaries, transfer), *chunks)) < 1.0


def with_numbers(content: bytes, primaries: int, transfer: int) -> bytes:
    """State other code points in an AVIF."""
    at = content.index(b"nclx") + 4
    return content[:at] + struct.pack(">HH", primaries, transfer) + content[at + 4 :]


def heic(values: np.ndarray, bits: int, **numbers: int) -> bytes:
    if bits == 8:
        stored_as, mode = (values * 255).round().astype(np.uint8), "RGB"
    else:
        stored_as, mode = (values * 65_535).round().astype(np.uint16), "RGB;16"
    file = pillow_heif.from_bytes(mode, SIZE, stored_as.tobytes())
    result = BytesIO()
    file.save(result, quality=-1, chroma=444, matrix_coefficients=0, **numbers)
    return result.getvalue()


@pytest.mark.unhurried
@pytest.mark.parametrize("primaries", [1, 9, 12])  # x265 knows no others
@pytest.mark.parametrize("transfer", [*SDR, PQ, HLG])
def test_heic_looks_as_its_code_points_say(primaries: int, transfer: int) -> None:
    values = stored(XY[primaries], transfer)
    numbers = {"color_primaries": primaries, "transfer_characteristics": transfer}
    assert difference(heic(values, 10, **numbers)) < (2.0 if transfer in {PQ, HLG} else 1.0)


@pytest.mark.parametrize("primaries", XY)
@pytest.mark.parametrize("transfer", SDR)
def test_avif_looks_as_its_code_points_say(primaries: int, transfer: int) -> None:
    pixels = Image.fromarray((stored(XY[primaries], transfer) * 255).round().astype(np.uint8))
    content = with_numbers(encode(pixels, "AVIF", **AVIF_OPTIONS), primaries, transfer)
    # Eight bits of linear light in wide primaries hold no better picture.
    more = 1.1 if transfer == 8 else 1.0
    assert difference(content) < _difference_of_srgb() + more


@cache
def _difference_of_srgb() -> float:
    return difference(encode(waves(*SIZE), "AVIF", **AVIF_OPTIONS))


# What Chromium 156 shows of grey of so much light in PQ (cd/m²), of a picture that states no peak,
# and of one that states 4,000.
IN_THE_BROWSER = {
    10: (44, 44),
    50: (99, 99),
    203: (188, 188),
    300: (211, 201),
    500: (232, 212),
    800: (248, 221),
    1000: (255, 226),
    2000: (255, 240),
    4000: (255, 255),
}


@pytest.mark.parametrize("states_peak", [False, True])
def test_hdr_avif_is_as_bright_as_in_the_browser(states_peak: bool) -> None:
    nits = np.array(list(IN_THE_BROWSER), float)
    grey = np.repeat(to_curve(nits / 203, PQ), 20)[None, :, None] * np.ones((SIZE[1], 1, 3))
    pixels = Image.fromarray((grey * 255).round().astype(np.uint8))
    content = encode(pixels, "AVIF", **AVIF_OPTIONS)
    content = with_numbers(content, 9, PQ)
    if states_peak:
        content = with_property(content, box(b"clli", struct.pack(">HH", 4000, 400)))
    shown = resize(content, height=SIZE[1]).numpy()[60, 10::20, 1].astype(int)
    expected = np.array([each[states_peak] for each in IN_THE_BROWSER.values()])
    # Eight bits of PQ are coarse.
    assert np.abs(shown - expected).max() <= 4


# The mean of each colour that Chromium 156 shows of one file whose box states these primaries,
# transfer and matrix. By a matrix that is derived from the primaries it knows no HDR, but SDR.
MEANS_IN_THE_BROWSER = {
    (12, 16, 12): (84.9, 85.3, 59.1),
    (9, 18, 12): (84.2, 85.0, 57.9),
    (12, 16, 1): (77.9, 73.6, 33.2),
    (12, 16, 9): (77.7, 72.7, 33.2),
    (12, 13, 1): (83.9, 85.3, 53.2),
    # Primaries whose white is another than sRGB's, one of them at no light at all.
    (4, 13, 9): (85.1, 83.6, 54.4),
    (8, 13, 9): (83.9, 85.3, 53.8),
    (10, 16, 9): (83.9, 62.7, 32.4),
    (11, 13, 9): (84.0, 85.0, 53.0),
}


@pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING)
@pytest.mark.parametrize("numbers", MEANS_IN_THE_BROWSER)
def test_avif_of_any_matrix_looks_as_in_the_browser(numbers: tuple[int, int, int]) -> None:
    file = corpus.ROOT / "files" / "avif" / "libavif__cosmos1650_yuv444_10bpc_p3pq.avif"
    before, kind, after = file.read_bytes().partition(b"nclx")
    shown = resize(before + kind + struct.pack(">HHH", *numbers) + after[6:], height=428).numpy()
    means = shown.reshape(-1, 3).mean(axis=0)
    assert np.abs(means - MEANS_IN_THE_BROWSER[numbers]).max() < 2


def with_property(content: bytes, added: bytes) -> bytes:
    """Give the picture of an AVIF one property more, behind what its item has."""
    meta = require_box(content, 0, len(content), b"meta")
    held = require_box(content, meta.body + 4, meta.end, b"iprp")
    known = require_box(content, held.body, held.end, b"ipco")
    listed = require_box(content, held.body, held.end, b"ipma")
    number = 1 + len(list(boxes(content, known.body, known.end)))
    count = content[listed.body + 10]
    names = content[listed.body : listed.body + 10] + bytes([count + 1])
    names += content[listed.body + 11 : listed.end] + bytes([number])
    properties = box(b"ipco", content[known.body : known.end] + added) + box(b"ipma", names)
    rest = content[meta.body : held.kind_at - 4] + box(b"iprp", properties)
    changed = box(b"meta", rest + content[held.end : meta.end])
    moved = len(changed) - (meta.end - meta.kind_at + 4)
    # One item, whose place is the last number of `iloc` but its length.
    at = changed.index(b"iloc")
    end = at - 4 + struct.unpack_from(">I", changed, at - 4)[0]
    place = struct.unpack_from(">I", changed, end - 8)[0] + moved
    changed = changed[: end - 8] + struct.pack(">I", place) + changed[end - 4 :]
    return content[: meta.kind_at - 4] + changed + content[meta.end :]


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


@pytest.mark.parametrize(("peak", "white"), [(203, 255), (1000, 188), (4000, 188)])
def test_a_png_states_its_peak(peak: int, white: int) -> None:
    """Else white stays white."""
    values = np.full((SIZE[1], SIZE[0], 3), to_curve(np.array(1.0), PQ))
    for stated in (
        chunk(b"cLLI", struct.pack(">II", peak * 10_000, 0)),
        chunk(b"mDCV", bytes(16) + struct.pack(">II", peak * 10_000, 1)),
    ):
        shown = resize(png(values, cicp(9, PQ), stated), height=10).numpy()
        assert np.abs(shown.astype(int) - white).max() <= 1


@pytest.mark.parametrize(
    "places",
    [
        [(0.3, 0.3)] * 3,
        [(0.0, 0.0)] * 3,
        [(0.1, 0.1), (0.2, 0.2), (0.4, 0.4)],
        [(40_000.0, 40_000.0)] * 3,
    ],
)
def test_primaries_that_are_none_are_those_of_srgb(places: list[tuple[float, float]]) -> None:
    light = np.asarray(to_curve(to_linear(SEEN), 8))
    assert difference(png(light, gama(1.0), chrm(places))) < 1.0
    no_white = bytearray(chrm(XY[9])[8:-4])
    no_white[:8] = bytes(8)
    assert difference(png(light, gama(1.0), chunk(b"cHRM", bytes(no_white)))) < 1.0


def test_primaries_may_lie_where_there_is_no_light() -> None:
    """XYZ's own, with the white of equal energy."""
    adapted = np.linalg.solve(BRADFORD, np.diag(1 / (BRADFORD @ xyz(*D65))) @ BRADFORD)
    values = to_linear(SEEN) @ (adapted @ to_xyz(XY[1])).T
    axes = struct.pack(">8I", 33_333, 33_333, 100_000, 0, 0, 100_000, 0, 0)
    assert difference(png(np.clip(values, 0, 1), gama(1.0), chunk(b"cHRM", axes))) < 1.0


def test_transparency_and_grey_are_kept() -> None:
    clear = waves(*SIZE).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(SIZE))
    grey = waves(*SIZE).convert("L")
    for picture, statement in ((clear, cicp(12, 8)), (grey, gama(1.0)), (grey, cicp(9, HLG))):
        content = encode(picture, "PNG")
        changed = content[:33] + statement + content[33:]
        before, after = (resize(each, height=SIZE[1]).copy_memory() for each in (content, changed))
        assert after.bands == before.bands
        assert after.format == "uchar"
        if before.hasalpha():
            assert np.array_equal(after.numpy()[..., 3], before.numpy()[..., 3])
        assert after[0].avg() > before[0].avg() + 10


def test_srgb_in_numbers_costs_no_conversion() -> None:
    for transfer in (1, 2, 6, 13, 14, 15):
        assert of_code_points(1, transfer) is None
        assert of_code_points(2, transfer) is None
    assert of_gamma(0.45455, None) is None
    content = png(SEEN, gama(0.45455), chrm(XY[1]))
    assert PngCodec(FORMATS["PNG"]).colours(content) is None


@pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING)
def test_premultiplied_avif_looks_alike_by_both_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    content = (corpus.ROOT / "reports" / "avif_premultiplied.avif").read_bytes()
    assert states_premultiplied(content)
    assert not states_premultiplied(encode(waves(*SIZE).convert("RGBA"), "AVIF"))

    def on_white() -> np.ndarray:
        shown = resize(content, height=200).copy_memory()
        return np.asarray(shown.flatten(background=[255] * 3).numpy(), float) / 255

    by_pillow = on_white()
    monkeypatch.setattr(avif, "_is_pillows", lambda *_: False)
    assert np.linalg.norm(lab(on_white()) - lab(by_pillow), axis=-1).mean() < 1.0


@pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING)
@pytest.mark.parametrize("name", ["420.monochrome", "422.monochrome.odd-height"])
def test_grey_avif_of_more_bits_is_as_dark_as_the_same_picture_in_colour(name: str) -> None:
    """Its samples are in the limited range: black is a sixteenth of white."""
    folder = corpus.ROOT / "files" / "avif"
    grey = folder / f"av1avif__fox.profile2.12bpc.yuv{name}.avif"
    coloured = folder / "av1avif__fox.profile1.8bpc.yuv444.avif"
    seen = [resize(each.read_bytes(), height=99).numpy().astype(float) for each in (grey, coloured)]
    means = [each[..., :3] @ [0.299, 0.587, 0.114] for each in seen]
    width = min(each.shape[1] for each in means)
    assert np.abs(means[0][:, :width] - means[1][:, :width]).mean() < 4
