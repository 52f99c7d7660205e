"""Django's handle on the package."""

from django.apps import AppConfig


class ImagesConfig(AppConfig):
    """Pictures."""

    name = "images"

    def ready(self) -> None:
        """Connect the receivers."""
        from images import receivers

        receivers.connect()
