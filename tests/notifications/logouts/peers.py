"""Another service on the exchange, for the tests of relay and listener."""

import json
import threading
import time
from collections.abc import Callable
from uuid import uuid4

import pika
from pika.adapters.blocking_connection import BlockingChannel

from tests import waiting


class Peer:
    """Another service: declares the exchange, binds a queue to it, and collects its messages."""

    def __init__(
        self, url: str, *, exchange: str = "auth", durable: bool = False, queue: str = ""
    ) -> None:
        """A named queue is kept when the peer is closed."""
        self.url = url
        self._exchange, self._durable = exchange, durable
        self._queue, self._is_kept = queue or f"a-peer-{uuid4()}", bool(queue)
        self.received: list[str] = []
        self.listening = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self.listening.wait(20)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except (pika.exceptions.AMQPError, OSError):
                self.listening.clear()
                time.sleep(0.1)

    def _listen(self) -> None:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as broker:
            channel = broker.channel()
            channel.exchange_declare(self._exchange, exchange_type="fanout", durable=self._durable)
            channel.queue_declare(self._queue, durable=True)
            channel.queue_bind(self._queue, self._exchange)
            channel.basic_consume(self._queue, self._receive)
            self.listening.set()
            while not self._stop.is_set():
                broker.process_data_events(time_limit=0.1)
            if not self._is_kept:
                channel.queue_delete(self._queue)

    def _receive(
        self,
        channel: BlockingChannel,
        method: pika.spec.Basic.Deliver,
        properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        message = json.loads(body)
        assert message["type"] == "logout"
        self.received.append(message["message"])
        channel.basic_ack(method.delivery_tag)

    def send_logout(self, message: str) -> None:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as broker:
            body = json.dumps({"type": "logout", "message": message})
            broker.channel().basic_publish(self._exchange, "", body.encode())

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)


class CachingPeer(Peer):
    """A peer as the originals are: remembers whom it let in, until their key is announced.

    `spell` makes the key of an Authorization header.
    """

    def __init__(self, url: str, spell: Callable[[str], str]) -> None:
        self._spell = spell
        self._let_in: set[str] = set()
        super().__init__(url)

    def let_in(self, header: str) -> None:
        """Remember a header that the service has just confirmed."""
        self._let_in.add(self._spell(header))

    def accepts(self, header: str) -> bool:
        """Tell whether the header would be let in without asking the service again."""
        return self._spell(header) in self._let_in

    def _receive(
        self,
        channel: BlockingChannel,
        method: pika.spec.Basic.Deliver,
        properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        super()._receive(channel, method, properties, body)
        self._let_in.discard(self.received[-1])


def until(happened: Callable[[], object], seconds: float = 20) -> None:
    waiting.until(happened, seconds, lambda: "it did not happen")
