"""Django app configuration."""

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class ImagesConfig(AppConfig):
    name = "images"
    verbose_name = _("Images")

    def ready(self) -> None:
        """Connect receivers, checks and the storage, and create the folder for incoming uploads."""
        from images import receivers
        from images.default_picture import check_default_picture
        from images.models import Picture
        from images.sandbox.work_dir import work_dir
        from images.storage.base import StorageInForce

        receivers.connect()
        register(check_default_picture)
        StorageInForce.expects_files = Picture.objects.exists
        work_dir()
