"""What the cache writes to Redis, and what it makes of what others wrote there."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.core.cache import cache
from kombu.exceptions import ContentDisallowed
from kombu.serialization import dumps, loads

from config.cache import JsonSerializer
from config.celery import app


class Attack:
    """Runs a command where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def redis() -> Any:
    return cache._cache.get_client()  # type: ignore[attr-defined]  # of Django's Redis backend


@pytest.mark.parametrize("value", [None, True, 7, "text", ["a", 1], {"a": [None, 1.5]}])
def test_plain_data_comes_back_as_it_was(value: object) -> None:
    cache.set("key", value)
    assert cache.get("key", "missing") == value


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float("nan")])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        cache.set("key", value)


def test_a_poisoned_entry_is_a_miss_and_runs_nothing(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    pickle.loads(pickle.dumps(Attack(touched)))  # noqa: S301 (shows that the attack works)
    touched.unlink()
    cache.set("key", "value")
    for poison in (pickle.dumps(Attack(touched)), b"{", b"[" * 100_000, b"\xff", b"1" * 5000):
        redis().set(cache.make_key("key"), poison)
        assert cache.get("key", "missing") == "missing"
    redis().delete(cache.make_key("key"))
    redis().lpush(cache.make_key("key"), "of another type")
    assert cache.get("key", "missing") == "missing"
    assert not touched.exists()


def test_no_process_unpickles_what_comes_from_the_broker_or_the_channel_layer(
    tmp_path: Path,
) -> None:
    conf = app.conf
    assert conf.accept_content == conf.result_accept_content == ["json"]
    assert {conf.task_serializer, conf.result_serializer, conf.event_serializer} == {"json"}
    content_type, encoding, body = dumps(Attack(tmp_path / "touched"), serializer="pickle")
    with pytest.raises(ContentDisallowed):
        loads(body, content_type, encoding, accept=conf.accept_content)
    layer: Any = get_channel_layer()
    assert layer.deserialize(layer.serialize({"type": "x"})) == {"type": "x"}
    assert type(layer._serializer).__name__ == "MsgPackSerializer"
    with pytest.raises(ValueError):  # noqa: PT011 (msgpack has several, all of them ValueError)
        layer.deserialize(pickle.dumps(Attack(tmp_path / "touched")))
    assert not (tmp_path / "touched").exists()


def test_the_serializer_is_the_caches_whatever_its_options_say() -> None:
    assert isinstance(cache._cache._serializer, JsonSerializer)  # type: ignore[attr-defined]
