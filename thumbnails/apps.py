"""Django's handle on the package."""

from django.apps import AppConfig


class ThumbnailsConfig(AppConfig):
    """Thumbnails."""

    name = "thumbnails"

    def ready(self) -> None:
        """Connect the receivers."""
        from thumbnails import receivers

        receivers.connect()
