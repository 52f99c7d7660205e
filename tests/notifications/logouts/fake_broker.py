"""A broker at the end of a connection, in pika's words, for tests of what is done with it."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from pika.exceptions import AMQPError


class FakeBroker:
    """A connection and its one channel: what was declared, published and acknowledged.

    `arrive` holds what each read of the network brings; afterwards `idle` is called at every read.
    """

    def __init__(
        self, *arrive: list[bytes], idle: Callable[[], None], refuses_after: int | None = None
    ) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.published: list[bytes] = []
        self.acknowledged: list[int] = []
        self._arrive = list(arrive)
        self._idle = idle
        self._refuses_after = refuses_after
        self._received: list[tuple[int, bytes]] = []
        self._tag = 0

    def __enter__(self) -> "FakeBroker":
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append(("close", None))

    def channel(self) -> "FakeBroker":
        return self

    @property
    def connection(self) -> "FakeBroker":
        return self

    def confirm_delivery(self) -> None:
        self.calls.append(("confirm", None))

    def exchange_declare(self, exchange: str, exchange_type: str, *, durable: bool) -> None:
        self.calls.append(("exchange", (exchange, exchange_type, durable)))

    def queue_declare(self, queue: str, *, durable: bool) -> None:
        self.calls.append(("queue", (queue, durable)))

    def queue_bind(self, queue: str, exchange: str, *, routing_key: str) -> None:
        self.calls.append(("bind", (queue, exchange, routing_key)))

    def basic_qos(self, *, prefetch_count: int) -> None:
        self.calls.append(("qos", prefetch_count))

    def basic_publish(
        self, exchange: str, *, routing_key: str, body: bytes, properties: object
    ) -> None:
        if len(self.published) == self._refuses_after:
            raise AMQPError
        self.published.append(body)

    def basic_ack(self, delivery_tag: int, *, multiple: bool) -> None:
        first = self.acknowledged[-1] + 1 if multiple and self.acknowledged else 1
        self.acknowledged += range(first if multiple else delivery_tag, delivery_tag + 1)

    def process_data_events(self, time_limit: float) -> None:
        """Read the network once."""
        if not self._arrive:
            self._idle()
            return
        for body in self._arrive.pop(0):
            self._tag += 1
            self._received.append((self._tag, body))

    def get_waiting_message_count(self) -> int:
        return len(self._received)

    def consume(self, queue: str, *, inactivity_timeout: float) -> Iterator[tuple[Any, Any, Any]]:
        while True:
            if not self._received:
                self.process_data_events(inactivity_timeout)
            if self._received:
                tag, body = self._received.pop(0)
                yield SimpleNamespace(delivery_tag=tag), None, body or None
            else:
                yield None, None, None
