"""Damaged copies of good files, the same ones for the same seed."""

import random
from collections.abc import Callable

Mutation = Callable[[bytearray, random.Random], bytearray]


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Return a copy damaged in one to eight places."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        data = rng.choice(_MUTATIONS)(data, rng) or bytearray(b"\0")
    return bytes(data)


def _flip(data: bytearray, rng: random.Random) -> bytearray:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _set(data: bytearray, rng: random.Random) -> bytearray:
    data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
    return data


def _number(data: bytearray, rng: random.Random) -> bytearray:
    """Put an extreme number where a header might have a length or a size."""
    place = rng.randrange(min(len(data), 4096))
    value = rng.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 65_535 * 65_535))
    data[place : place + 4] = (value & 0xFFFFFFFF).to_bytes(4, rng.choice(("big", "little")))
    return data


def _cut(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data)) + 1]


def _drop(data: bytearray, rng: random.Random) -> bytearray:
    place = rng.randrange(len(data))
    del data[place : place + rng.randint(1, 64)]
    return data


def _repeat(data: bytearray, rng: random.Random) -> bytearray:
    place = rng.randrange(len(data))
    piece = data[place : place + rng.randint(1, 4096)]
    data[place:place] = piece * rng.randint(1, 16)
    return data


_MUTATIONS: tuple[Mutation, ...] = (_flip, _flip, _set, _number, _cut, _drop, _repeat)
