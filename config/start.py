"""Load the settings as the first step of every process."""

import gc
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

logger = logging.getLogger(__name__)
# A process that was told to wait serves without them from then on.
_DECODERS_TIMEOUT_SECONDS = 20


@contextmanager
def loading() -> Iterator[None]:
    """Look for no garbage meanwhile, nor later among what was loaded: it all stays.

    To look through it again and again, and once more at the end, is two fifths of the CPU time of
    a command of `manage.py` that does little, and a quarter of a web process' start and end. What
    was garbage before stays too: where that is much, it is collected first.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def load_settings() -> None:
    """Load the settings; a bad value ends the process with one line instead of a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        raise SystemExit(f"tintype: {error}") from None


def report_walls() -> None:
    """Say in one line which walls stand around decoders; end the process where they are too few."""
    from images.sandbox.walls import find_walls

    def report() -> None:
        walls = find_walls()
        logger.log(logging.WARNING if walls.missing else logging.INFO, "the sandbox: %s", walls)

    if settings.CONFINEMENT_REQUIRED:
        require_walls()
        report()
    else:
        # Nothing depends on it, so nothing waits for it.
        threading.Thread(target=report, name="walls", daemon=True).start()


def start_decoders(*, are_for_checks: bool) -> Callable[[], None]:
    """Have this process' decoders started; what is returned waits until they are ready.

    For web processes, whose decoders check uploads, and workers alone: whatever else decodes a
    picture starts them then.
    """
    from images.pixels import remove_expired
    from images.sandbox.pool import CHECKS_NICENESS, prepare

    # What an earlier run left, whose processes were all killed.
    remove_expired()
    thread = prepare(niceness=CHECKS_NICENESS if are_for_checks else 0)
    return partial(thread.join, _DECODERS_TIMEOUT_SECONDS)


def require_walls() -> None:
    """End the process with one line where a wall around decoders is required and missing."""
    from images.sandbox.walls import find_walls

    if settings.CONFINEMENT_REQUIRED and find_walls().missing:
        raise SystemExit(
            f"tintype: pictures cannot be decoded safely here: missing: {find_walls().missing}. "
            "See docs/security.md, or set CONFINEMENT=off."
        )


def require_default_picture() -> None:
    """Read the operator's default picture; a bad one ends the process with one line."""
    from images.default_picture import default_picture

    try:
        default_picture()
    except ImproperlyConfigured as error:
        raise SystemExit(f"tintype: {error}") from None


def limit_storage_threads() -> None:
    """Let half of a web process' threads be in the storage at once; call it in no other process."""
    from images.storage.thread_slots import thread_slots

    thread_slots.set_limit(max(1, settings.HTTP_THREADS // 2))
