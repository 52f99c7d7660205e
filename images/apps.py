"""Django's handle on the package."""

from django.apps import AppConfig
from django.urls import register_converter


class ImagesConfig(AppConfig):
    """Pictures."""

    name = "images"

    def ready(self) -> None:
        """Connect the receivers, name path parts; make the folder that uploads arrive in."""
        from images import converters, receivers, sandbox

        register_converter(converters.AnyCaseUuid, "anyuuid")
        receivers.connect()
        sandbox.work_folder()
