"""Granian, once the settings hold: `python -m config.web` takes granian's own options.

Left to itself it starts its workers first, and each of them says what is wrong with the settings.
"""

from granian.cli import entrypoint

from config.start import load_settings

if __name__ == "__main__":
    load_settings()
    entrypoint()  # type: ignore[no-untyped-call]  # a click command
