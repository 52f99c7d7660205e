"""Which format a file is of, by its first bytes; loads the codec of every format. Sandbox only."""

from functools import cache
from importlib import import_module

import pyvips

from images.formats.codec import Codec
from images.formats.registry import FORMATS
from images.formats.scan import Buffer

HEAD_BYTES = 64

# Nothing is rendered twice, so a cache of operations would only hold memory.
pyvips.cache_set_max(0)
# libvips has loaders that its authors do not trust with files from strangers.
pyvips.operation_block_set("VipsForeignLoad", True)  # noqa: FBT003 (a C signature)


@cache
def codec_named(name: str) -> Codec:
    """Return the codec of a format in FORMATS, and let libvips use its loader."""
    module, _, class_name = FORMATS[name].codec.rpartition(".")
    codec: Codec = getattr(import_module(module), class_name)(FORMATS[name])
    if codec.vips_loader:
        pyvips.operation_block_set(f"VipsForeignLoad{codec.vips_loader}", False)  # noqa: FBT003
    return codec


def codec_for(head: bytes) -> Codec | None:
    """Return the codec of the format that the first bytes are of."""
    return next((codec for codec in map(codec_named, FORMATS) if codec.matches(head)), None)


def codec_of(data: Buffer) -> Codec | None:
    """Return the codec of the format that a file is of."""
    return codec_for(data[:HEAD_BYTES])


# A sandboxed process can open no module's file later.
for _name in FORMATS:
    codec_named(_name)
