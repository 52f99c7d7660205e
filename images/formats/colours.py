"""From the colours that a file states by numbers to sRGB: one function for AVIF, HEIC and PNG.

Code points are those of ITU-T H.273. In HDR, 203 cd/m² are white (ITU-R BT.2408). What is brighter
needs room. Where it is known how bright a picture gets it has as much as in browsers, which dim the
rest for it, down to half its light; else it is compressed into what little is left below white.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyvips

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]
# x and y of red, green, blue and white.
Primaries = tuple[float, float, float, float, float, float, float, float]

_D65, _C, _E, _THEATRE = (0.3127, 0.3290), (0.310, 0.316), (1 / 3, 1 / 3), (0.314, 0.351)
SRGB: Primaries = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65)
_PRIMARIES: dict[int, Primaries] = {
    1: SRGB,
    4: (0.670, 0.330, 0.210, 0.710, 0.140, 0.080, *_C),
    5: (0.640, 0.330, 0.290, 0.600, 0.150, 0.060, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    10: (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, *_E),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_THEATRE),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
# What television's curves are shown with: as Chromium does, sRGB's own.
_SHOWN_AS_SRGB = frozenset({1, 6, 13, 14, 15})
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_SMPTE_240M, _SMPTE_428 = 7, 17
_PQ, _HLG = 16, 18
_OTHER_CURVES = frozenset({_SMPTE_240M, _SMPTE_428, _PQ, _HLG})
_WHITE_NITS = 203.0
# PQ (SMPTE ST 2084) reaches to so many; HLG is mastered for a display of so many (BT.2100).
_PQ_NITS, _HLG_NITS, _HLG_GAMMA = 10_000.0, 1_000.0, 1.2
# Luminance of BT.2020, by which HLG's system gamma works.
_LUMINANCE = (0.2627, 0.6780, 0.0593)
# From this share of white on, light of no stated peak is compressed.
_KNEE = 0.85
# At this peak and beyond it white has half its light.
_FULL_PEAK = 1_000.0 / _WHITE_NITS
# How soon the curve above white leaves the straight line below it.
_BEND = 0.65
# Chromaticities as PNG rounds them are those of sRGB; a gamma of 1/2.2 stands for its curve.
_SAME_PRIMARIES, _SRGB_GAMMA, _SAME_GAMMA = 0.002, 0.45455, 0.005
# Twice the least that primaries may span.
_LEAST_AREA = 0.001
_BRADFORD: Matrix = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)


@dataclass(frozen=True, slots=True)
class Colours:
    """Primaries and a curve: a transfer code point, or else a gamma of decoding.

    In HDR `peak` is the brightest light (cd/m²), where that is known.
    """

    primaries: Primaries
    transfer: int | None
    gamma: float = 1.0
    peak: float | None = None

    @property
    def is_hdr(self) -> bool:
        """Tell whether values stand for absolute light."""
        return self.transfer in {_PQ, _HLG}


PLAIN_SRGB = Colours(SRGB, 13)


def of_code_points(primaries: int, transfer: int) -> Colours | None:
    """Return what code points state; None for sRGB, and for what they leave open."""
    known = _PRIMARIES.get(primaries, SRGB)
    if transfer in _GAMMAS:
        return Colours(known, None, _GAMMAS[transfer])
    if transfer in _OTHER_CURVES:
        return Colours(known, transfer)
    return None if known == SRGB else Colours(known, 13)


def of_gamma(gamma: float, primaries: Primaries | None) -> Colours | None:
    """Return what PNG's gAMA and cHRM state; None for sRGB, and for colours that are none."""
    known = primaries if primaries and _has_colours(primaries) else SRGB
    if all(abs(a - b) < _SAME_PRIMARIES for a, b in zip(known, SRGB, strict=True)):
        known = SRGB
    if abs(gamma - _SRGB_GAMMA) < _SAME_GAMMA:
        return None if known == SRGB else Colours(known, 13)
    return Colours(known, None, 1 / gamma)


def _has_colours(primaries: Primaries) -> bool:
    """Tell whether red, green and blue span a triangle, and white has light."""
    xr, yr, xg, yg, xb, yb, _, white = primaries
    return abs((xg - xr) * (yb - yr) - (xb - xr) * (yg - yr)) > _LEAST_AREA and white > 0


def to_srgb(image: Any, colours: Colours) -> Any:
    """Return a picture of eight bits in sRGB; its transparency is kept."""
    alpha, seen = None, image
    if image.hasalpha():
        alpha, seen = image[image.bands - 1], image[0 : image.bands - 1]
        if alpha.format == "ushort":
            alpha = (alpha >> 8).cast("uchar")
    light = seen.maplut(_light_table(seen.format, colours))
    if colours.transfer == _HLG:
        light = _show_hlg(light)
    if seen.bands == 3 and colours.primaries != SRGB:
        light = light.recomb([list(row) for row in _matrix_to_srgb(colours.primaries)])
    if colours.is_hdr:
        light = _compress(light) if colours.peak is None else _map_tones(light, colours.peak)
    shown = (light * 65_535).rint().cast("ushort").maplut(_srgb_table())
    shown = shown.copy(interpretation="srgb" if shown.bands == 3 else "b-w")
    shown = shown if alpha is None else shown.bandjoin(alpha)
    if shown.get_typeof("icc-profile-data"):
        shown = shown.copy()
        shown.remove("icc-profile-data")
    return shown


def _show_hlg(light: Any) -> Any:
    """Return what a display of 1,000 cd/m² makes of a scene's light (BT.2100, table 5)."""
    luminance = light.recomb([list(_LUMINANCE)]) if light.bands == 3 else light
    return light * (luminance ** (_HLG_GAMMA - 1)) * (_HLG_NITS / _WHITE_NITS)


def _compress(light: Any) -> Any:
    """Bring what is brighter than white below it, and leave the rest as it is."""
    brightest = _brightest(light)
    above = brightest - _KNEE
    room = 1 - _KNEE
    softened = ((above * (-1 / room)).exp() * -1 + 1) * room + _KNEE
    return light * (above > 0).ifthenelse(softened / (brightest + 1e-9), 1)


def _map_tones(light: Any, peak: float) -> Any:
    """Bring what is brighter than white below it, up to a peak (cd/m²); dim the rest evenly.

    Above white lies a Bézier curve of the second order, which begins with the slope of the straight
    line below it and ends with the peak at 1: by this reference operator of SMPTE ST 2094-50
    Chromium shows HDR where a screen has no more light.
    """
    top = peak / _WHITE_NITS
    if top <= 1:
        return light
    white = 1 - 0.5 * min(1, math.log(top) / math.log(_FULL_PEAK))
    middle = 1 + _BEND * (1 / white - 1), white + _BEND * (1 - white)
    a, b = 1 - 2 * middle[0] + top, 2 * middle[0] - 2
    c, d = white - 2 * middle[1] + 1, 2 * middle[1] - 2 * white
    brightest = _brightest(light)
    brightest = (brightest > 1).ifthenelse(brightest, 1)
    seen = (brightest < top).ifthenelse(brightest, top)
    along = (((seen - 1) * (4 * a) + b * b) ** 0.5 - b) / (2 * a)
    return light * (((along * c + d) * along + white) / brightest)


def _brightest(light: Any) -> Any:
    """Return the brightest of the colours, by which hues stay."""
    found = light[0].bandrank([light[1], light[2]], index=2) if light.bands == 3 else light
    return (found > 0).ifthenelse(found, 0)


def _light_table(form: str, colours: Colours) -> Any:
    """Return a table from stored values to light, of which 1 is white."""
    table = pyvips.Image.identity(ushort=form == "ushort")
    value = table / (table.width - 1)
    if colours.is_hdr:
        curve: Callable[[Any], Any] = _pq if colours.transfer == _PQ else _hlg
        return curve(value).cast("float")
    if colours.transfer in _SHOWN_AS_SRGB:
        linear = (value <= 0.04045).ifthenelse(value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        return linear.cast("float")
    if colours.transfer == _SMPTE_240M:
        above = ((value + 0.1115) / 1.1115) ** (1 / 0.45)
        return (value <= 0.0913).ifthenelse(value / 4, above).cast("float")
    if colours.transfer == _SMPTE_428:
        return (value**2.6 * (52.37 / 48)).cast("float")
    return (value**colours.gamma).cast("float")


def _pq(value: Any) -> Any:
    """Return light by the electro-optical transfer function of PQ."""
    root = value ** (1 / 78.84375)
    above = root - 0.8359375
    above = (above > 0).ifthenelse(above, 0)
    return (above / (18.8515625 - root * 18.6875)) ** (1 / 0.1593017578125) * (
        _PQ_NITS / _WHITE_NITS
    )


def _hlg(value: Any) -> Any:
    """Return the light of the scene by the inverse of HLG's opto-electronic transfer function."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return (value <= 0.5).ifthenelse(value * value / 3, (((value - c) / a).exp() + b) / 12)


def _srgb_table() -> Any:
    """Return a table from light, in 16 bits, to sRGB's values."""
    light = pyvips.Image.identity(ushort=True) / 65_535
    curve = (light <= 0.0031308).ifthenelse(light * 12.92, light ** (1 / 2.4) * 1.055 - 0.055)
    return (curve * 255).rint().cast("uchar")


def _matrix_to_srgb(primaries: Primaries) -> Matrix:
    """Return the matrix from one RGB to sRGB's, white to white (Bradford)."""
    source, target = _white(primaries), _white(SRGB)
    cones = [_apply(_BRADFORD, white) for white in (source, target)]
    scale = _diagonal([b / a for a, b in zip(*cones, strict=True)])
    adapt = _multiply(_invert(_BRADFORD), _multiply(scale, _BRADFORD))
    return _multiply(_invert(_to_xyz(SRGB)), _multiply(adapt, _to_xyz(primaries)))


def _to_xyz(primaries: Primaries) -> Matrix:
    columns = [(x, y, 1 - x - y) for x, y in zip(primaries[:6:2], primaries[1:6:2], strict=True)]
    rows: Matrix = tuple(zip(*columns, strict=True))  # type: ignore[assignment]  # of three
    return _multiply(rows, _diagonal(_apply(_invert(rows), _white(primaries))))


def _white(primaries: Primaries) -> Vector:
    x, y = primaries[6:8]
    return x / y, 1.0, (1 - x - y) / y


def _diagonal(values: Any) -> Matrix:
    a, b, c = values
    return (a, 0.0, 0.0), (0.0, b, 0.0), (0.0, 0.0, c)


def _apply(matrix: Matrix, vector: Vector) -> Vector:
    x, y, z = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return x, y, z


def _multiply(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    a, b, c = (
        tuple(sum(x * y for x, y in zip(row, each, strict=True)) for each in columns)
        for row in left
    )
    return a, b, c  # type: ignore[return-value]  # of three each


def _invert(m: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = m
    whole = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    rows = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    x, y, z = (tuple(each / whole for each in row) for row in rows)
    return x, y, z  # type: ignore[return-value]  # of three each
