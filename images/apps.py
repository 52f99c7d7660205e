"""Django app configuration."""

from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "images"

    def ready(self) -> None:
        """Connect the receivers and create the folder for incoming uploads."""
        from images import receivers
        from images.sandbox.work_dir import work_dir

        receivers.connect()
        work_dir()
