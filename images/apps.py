"""Django app configuration."""

from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "images"

    def ready(self) -> None:
        """Connect the receivers and the storage, and create the folder for incoming uploads."""
        from images import receivers
        from images.models import Picture
        from images.sandbox.work_dir import work_dir
        from images.storage.base import StorageInForce

        receivers.connect()
        StorageInForce.expects_files = Picture.objects.exists
        work_dir()
