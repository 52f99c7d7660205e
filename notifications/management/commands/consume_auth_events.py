"""Hear logouts of other services from RabbitMQ, until stopped."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from notifications.logouts.listener import listen_until
from notifications.logouts.long_running import Stop


class Command(BaseCommand):
    """Several may run; each message is heard by one of them."""

    help = "End the sessions that other services announce as ended; stops cleanly on SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        if not settings.AMQP_URL:
            raise CommandError("AMQP_URL is not set: there is no exchange to listen on.")
        stop = Stop(settings.PULSE_FILE)
        stop.on_signals()
        stop.watch(settings.WATCHDOG_SECONDS)
        listen_until(stop)
