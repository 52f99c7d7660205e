"""RabbitMQ as this service and its peers use it: one fanout exchange, declared at every connect.

A non-durable exchange and its bindings disappear when the broker restarts, so every connection
declares them again.
"""

import logging
from collections.abc import Callable

import pika
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError

from lib.backoff import ExponentialBackoff
from notifications.logouts.long_running import Stop

logger = logging.getLogger(__name__)
# Seconds between two tries. Below the relay's REBIND_SECONDS: a listener that retries less often
# would miss what the relay sends first.
MIN_RETRY_DELAY, MAX_RETRY_DELAY = 0.2, 3.0
# What pika raises for a broker that cannot be reached, restarts or refuses.
BROKER_UNAVAILABLE = (AMQPError, OSError)


def connect() -> BlockingConnection:
    """Open a connection; raise one of BROKER_UNAVAILABLE within seconds."""
    parameters = pika.URLParameters(settings.AMQP_URL)
    parameters.heartbeat = 20
    parameters.blocked_connection_timeout = 10
    parameters.socket_timeout = 5
    parameters.stack_timeout = 10
    parameters.connection_attempts = 1
    return BlockingConnection(parameters)


def declare_exchange(channel: BlockingChannel) -> None:
    """Declare the exchange as its peers do; a mismatch is a 406, which the log shows."""
    channel.exchange_declare(
        settings.AUTH_EXCHANGE, exchange_type="fanout", durable=settings.AUTH_EXCHANGE_DURABLE
    )


def bind_queue(channel: BlockingChannel) -> None:
    """Declare the durable queue of this service and bind it to the exchange."""
    channel.queue_declare(settings.AUTH_QUEUE, durable=True)
    channel.queue_bind(settings.AUTH_QUEUE, settings.AUTH_EXCHANGE, routing_key="")


def run_until_stopped(work: Callable[[Stop, ExponentialBackoff], None], stop: Stop) -> None:
    """Restart `work`, with growing delays, whenever the broker or the database interrupts it."""
    backoff = ExponentialBackoff(MIN_RETRY_DELAY, MAX_RETRY_DELAY)
    while not stop.is_set():
        try:
            work(stop, backoff)
        except BROKER_UNAVAILABLE as error:
            logger.warning("the broker is unavailable: %s", type(error).__name__)
        except DatabaseError as error:
            logger.warning("the database is unavailable: %s", type(error).__name__)
            close_old_connections()
        stop.wait(0 if stop.is_set() else backoff.next_delay())
