"""From the colours that a file states by numbers to sRGB: one function for AVIF, HEIC and PNG.

Code points are those of ITU-T H.273. In HDR, 203 cd/m² are white (ITU-R BT.2408): what is brighter
is compressed into what little is left below it, and the rest stays as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyvips

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]
# x and y of red, green, blue and white.
Primaries = tuple[float, float, float, float, float, float, float, float]

_D65 = (0.3127, 0.3290)
SRGB: Primaries = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65)
_PRIMARIES: dict[int, Primaries] = {
    1: SRGB,
    5: (0.640, 0.330, 0.290, 0.600, 0.150, 0.060, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
}
# What television's curves are shown with: as Chromium does, sRGB's own.
_SHOWN_AS_SRGB = frozenset({1, 6, 13, 14, 15})
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_PQ, _HLG = 16, 18
_WHITE_NITS = 203.0
# PQ (SMPTE ST 2084) reaches to so many; HLG is mastered for a display of so many (BT.2100).
_PQ_NITS, _HLG_NITS, _HLG_GAMMA = 10_000.0, 1_000.0, 1.2
# Luminance of BT.2020, by which HLG's system gamma works.
_LUMINANCE = (0.2627, 0.6780, 0.0593)
# From this share of white on, light is compressed.
_KNEE = 0.85
# Chromaticities as PNG rounds them are those of sRGB; a gamma of 1/2.2 stands for its curve.
_SAME_PRIMARIES, _SRGB_GAMMA, _SAME_GAMMA = 0.002, 0.45455, 0.005
_BRADFORD: Matrix = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)


@dataclass(frozen=True, slots=True)
class Colours:
    """Primaries and a curve: a transfer code point, or a gamma of decoding."""

    primaries: Primaries
    transfer: int | float

    @property
    def is_hdr(self) -> bool:
        """Tell whether values stand for absolute light."""
        return self.transfer in {_PQ, _HLG} and isinstance(self.transfer, int)


PLAIN_SRGB = Colours(SRGB, 13)


def of_code_points(primaries: int, transfer: int) -> Colours | None:
    """Return what code points state; None for sRGB, and for what they leave open."""
    known = _PRIMARIES.get(primaries, SRGB)
    if transfer in _GAMMAS:
        return Colours(known, _GAMMAS[transfer])
    if transfer in {_PQ, _HLG}:
        return Colours(known, transfer)
    return None if known == SRGB else Colours(known, 13)


def of_gamma(gamma: float, primaries: Primaries | None) -> Colours | None:
    """Return what PNG's gAMA and cHRM state; None for sRGB."""
    known = primaries or SRGB
    if all(abs(a - b) < _SAME_PRIMARIES for a, b in zip(known, SRGB, strict=True)):
        known = SRGB
    if abs(gamma - _SRGB_GAMMA) < _SAME_GAMMA:
        return None if known == SRGB else Colours(known, 13)
    return Colours(known, 1 / gamma)


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
        light = _compress(light)
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
    """Bring what is brighter than white below it, by the brightest of the colours."""
    brightest = light[0].bandrank([light[1], light[2]], index=2) if light.bands == 3 else light
    brightest = (brightest > 0).ifthenelse(brightest, 0)
    above = brightest - _KNEE
    room = 1 - _KNEE
    softened = ((above * (-1 / room)).exp() * -1 + 1) * room + _KNEE
    return light * (above > 0).ifthenelse(softened / (brightest + 1e-9), 1)


def _light_table(form: str, colours: Colours) -> Any:
    """Return a table from stored values to light, of which 1 is white."""
    table = pyvips.Image.identity(ushort=form == "ushort")
    value = table / (table.width - 1)
    if colours.is_hdr:
        curve: Callable[[Any], Any] = _pq if colours.transfer == _PQ else _hlg
        return curve(value).cast("float")
    if colours.transfer in _SHOWN_AS_SRGB and isinstance(colours.transfer, int):
        linear = (value <= 0.04045).ifthenelse(value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        return linear.cast("float")
    return (value**colours.transfer).cast("float")


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
    columns = [_xyz(*primaries[n : n + 2]) for n in (0, 2, 4)]
    rows: Matrix = tuple(zip(*columns, strict=True))  # type: ignore[assignment]  # of three
    return _multiply(rows, _diagonal(_apply(_invert(rows), _white(primaries))))


def _white(primaries: Primaries) -> Vector:
    return _xyz(*primaries[6:8])


def _xyz(x: float, y: float) -> Vector:
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
