"""The entrance of the program that decodes: which operations there are, and nothing besides.

`images.sandbox.template` starts this file as a script, so that nothing else of this package, no
setting and no secret is loaded.
"""

import sys
from pathlib import Path

# Isolated from its environment, Python knows the installed packages alone.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from images.sandbox import decoder


def load() -> decoder.Operations:
    """Load the decoders, and return the table of what they can be asked for."""
    from images.sandbox import operations as images
    from thumbnails.rendering import operations as thumbnails

    return {
        "inspect": images.inspect_picture,
        "strip": images.strip_metadata,
        "render_thumbnails": thumbnails.render_thumbnails,
        "render_jpeg": thumbnails.render_jpeg,
    }


if __name__ == "__main__":
    decoder.main(load, sys.argv[1:])
