"""Django app configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ThumbnailsConfig(AppConfig):
    name = "thumbnails"
    verbose_name = _("Thumbnails")

    def ready(self) -> None:
        from thumbnails import receivers

        receivers.connect()
