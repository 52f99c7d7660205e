"""Draws QR codes (ISO/IEC 18004) as SVG."""

import io

import segno


def draw_qr_code(text: str) -> bytes:
    """Return an SVG picture of a text as phones scan it: dark on white, with its margin."""
    svg = io.BytesIO()
    # A class or an XML declaration would say nothing to whoever embeds it.
    segno.make_qr(text, error="m").save(
        svg, kind="svg", light="#fff", omitsize=True, xmldecl=False, svgclass=None, lineclass=None
    )
    return svg.getvalue()
