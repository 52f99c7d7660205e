"""Django's handle on the package."""

from django.apps import AppConfig


class ImagesConfig(AppConfig):
    """Pictures."""

    name = "images"

    def ready(self) -> None:
        """Connect the receivers; make the folder that uploads arrive in."""
        from images import receivers
        from images.sandbox.work_dir import work_dir

        receivers.connect()
        work_dir()
