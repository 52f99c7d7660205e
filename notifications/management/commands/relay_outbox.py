"""Send the outbox to RabbitMQ, until stopped."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from notifications.logouts.long_running import Stop
from notifications.logouts.relay import relay_until


class Command(BaseCommand):
    """Several may run; each message is held by one of them."""

    help = "Publish logouts from the outbox to the exchange; stops cleanly on SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        if not settings.AMQP_URL:
            raise CommandError("AMQP_URL is not set: there is no exchange to publish to.")
        stop = Stop(settings.PULSE_FILE)
        stop.on_signals()
        stop.watch(settings.WATCHDOG_SECONDS)
        relay_until(stop)
