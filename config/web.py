"""Run granian with its own options, once the settings are valid: `python -m config.web …`.

Granian alone starts its workers first, and each of them would report a bad setting again.
"""

from granian.cli import entrypoint

from config.start import load_settings, require_walls

if __name__ == "__main__":
    load_settings()
    require_walls()
    entrypoint()  # type: ignore[no-untyped-call]  # a click command
