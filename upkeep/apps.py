"""Django's handle on the package."""

from django.apps import AppConfig


class UpkeepConfig(AppConfig):
    """Commands and tasks: no models, no receivers."""

    name = "upkeep"
