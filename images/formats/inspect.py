"""What an uploaded file really is: told from its content, within limits, and verified to be whole.

The header decides first, so that a bomb is refused before anything is decoded; then a decode shows
that no byte of the picture is missing. Sandbox only.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from images.formats.codec import Codec
from images.formats.detect import HEAD_BYTES, codec_for, codec_named
from images.formats.facts import Facts
from images.formats.limits import (
    DAMAGED,
    NOT_AN_IMAGE,
    Limits,
    RefusedPicture,
    refuse_size,
)
from images.formats.scan import Buffer
from images.formats.unsupported import refusal_of


def inspect(data: Buffer, limits: Limits) -> Facts:
    """Return what a whole picture within the limits is; raises RefusedPicture, nothing else."""
    facts = identify(data, limits)
    verify(data, facts)
    return facts


def identify(data: Buffer, limits: Limits) -> Facts:
    """Read the header alone; raises RefusedPicture for what is no picture or exceeds a limit."""
    if len(data) > limits.max_bytes:
        raise RefusedPicture("too_large", f"More than {limits.max_bytes} bytes.")
    if not data:
        raise RefusedPicture("not_an_image", "The file is empty.")
    codec = _codec_for(data)
    with _refuse_damage():
        facts = codec.describe(data, limits)
    refuse_size(facts.width, facts.height, facts.frames, limits)
    return facts


def verify(data: Buffer, facts: Facts) -> None:
    """Decode every frame; raises RefusedPicture where a byte is missing."""
    with _refuse_damage():
        codec_named(facts.format).verify(data, facts)


def _codec_for(data: Buffer) -> Codec:
    codec = codec_for(data[:HEAD_BYTES])
    if codec:
        return codec
    reason = refusal_of(data)
    if reason:
        raise RefusedPicture("format", reason)
    raise RefusedPicture("not_an_image", NOT_AN_IMAGE)


@contextmanager
def _refuse_damage() -> Iterator[None]:
    try:
        yield
    except RefusedPicture:
        raise
    except Exception as error:  # decoders raise IndexError, SyntaxError, struct.error and more
        raise RefusedPicture("damaged", DAMAGED) from error
