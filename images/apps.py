"""Django's handle on the package."""

from django.apps import AppConfig


class ImagesConfig(AppConfig):
    """Pictures."""

    name = "images"

    def ready(self) -> None:
        """Connect the receivers; make the folder that uploads arrive in."""
        from images import receivers
        from images.sandbox import pool

        receivers.connect()
        pool.work_folder()
