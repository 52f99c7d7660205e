"""Django's handle on the package."""

from django.apps import AppConfig


class TiersConfig(AppConfig):
    """Plans."""

    name = "tiers"
