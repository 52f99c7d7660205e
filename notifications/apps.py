"""Django's handle on the package."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """News to browsers and services."""

    name = "notifications"

    def ready(self) -> None:
        """Connect the receivers."""
        from notifications import receivers

        receivers.connect()
