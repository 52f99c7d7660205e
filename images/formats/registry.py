"""The picture formats that are taken: one record for each.

Every process may import this module. What reads files of a format is its codec
(`images.formats.codec.Codec`), which imports decoders: it is named here and loaded in the sandbox.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A picture format: its name in our rows, its file extension, its media type, its codec.

    `keeps_animation` tells whether thumbnails of an animation are animations, or still pictures.
    """

    name: str
    extension: str
    content_type: str
    codec: str
    keeps_animation: bool = False


FORMATS = {
    each.name: each
    for each in (
        Format("JPEG", "jpg", "image/jpeg", "images.formats.jpeg.JpegCodec"),
        Format("PNG", "png", "image/png", "images.formats.png.PngCodec"),
        Format("WEBP", "webp", "image/webp", "images.formats.webp.WebpCodec", keeps_animation=True),
        Format("GIF", "gif", "image/gif", "images.formats.gif.GifCodec", keeps_animation=True),
        Format("AVIF", "avif", "image/avif", "images.formats.avif.AvifCodec"),
        Format("HEIC", "heic", "image/heic", "images.formats.heic.HeicCodec"),
        Format("TIFF", "tif", "image/tiff", "images.formats.tiff.TiffCodec"),
    )
}
_CONTENT_TYPES = {each.extension: each.content_type for each in FORMATS.values()}


def content_type_of(file_name: str) -> str | None:
    """Return the media type that a file name's extension stands for; None for any other file."""
    return _CONTENT_TYPES.get(file_name.rpartition(".")[2])
