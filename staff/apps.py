"""Django app configuration."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    name = "staff"
    verbose_name = _("Service")

    def ready(self) -> None:
        from staff import receivers, roles

        receivers.connect()
        post_migrate.connect(
            roles.make_ready_roles, sender=self, dispatch_uid="staff.make_ready_roles"
        )
