"""Django app configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PlansConfig(AppConfig):
    name = "plans"
    verbose_name = _("tier plans")

    def ready(self) -> None:
        from plans import receivers

        receivers.connect()
