"""Load the settings as the first step of every process."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def load_settings() -> None:
    """Load the settings; a bad value ends the process with one line instead of a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as error:
        raise SystemExit(f"tintype: {error}") from None


def require_default_picture() -> None:
    """Read the operator's default picture; a bad one ends the process with one line."""
    from images.default_picture import default_picture

    try:
        default_picture()
    except ImproperlyConfigured as error:
        raise SystemExit(f"tintype: {error}") from None
