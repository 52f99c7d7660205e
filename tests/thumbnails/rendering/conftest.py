"""What tests of rendering share."""

import pytest
import pyvips


@pytest.fixture
def decodes(monkeypatch):
    """The calls that decode a file; opening one without `access` reads its header alone."""
    found = []
    for call in ("thumbnail", "new_from_file"):
        real = getattr(pyvips.Image, call)

        def counted(*args, real=real, call=call, **options):
            if call == "thumbnail" or "access" in options:
                found.append(args)
            return real(*args, **options)

        monkeypatch.setattr(pyvips.Image, call, counted)
    return found
