"""Django app configuration."""

from django.apps import AppConfig


class ThumbnailsConfig(AppConfig):
    name = "thumbnails"

    def ready(self) -> None:
        from thumbnails import receivers

        receivers.connect()
