"""Damaged copies of good files, the same ones for the same seed."""

import random
from collections.abc import Callable

Mutation = Callable[[bytearray, random.Random], bytearray]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return a copy damaged in one to eight places."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        data = chance.choice(_MUTATIONS)(data, chance) or bytearray(b"\0")
    return bytes(data)


def _flip(data: bytearray, chance: random.Random) -> bytearray:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data


def _set(data: bytearray, chance: random.Random) -> bytearray:
    data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
    return data


def _number(data: bytearray, chance: random.Random) -> bytearray:
    """Put an extreme number where a header might have a length or a size."""
    place = chance.randrange(min(len(data), 4096))
    value = chance.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 65_535 * 65_535))
    data[place : place + 4] = (value & 0xFFFFFFFF).to_bytes(4, chance.choice(("big", "little")))
    return data


def _cut(data: bytearray, chance: random.Random) -> bytearray:
    return data[: chance.randrange(len(data)) + 1]


def _drop(data: bytearray, chance: random.Random) -> bytearray:
    place = chance.randrange(len(data))
    del data[place : place + chance.randint(1, 64)]
    return data


def _repeat(data: bytearray, chance: random.Random) -> bytearray:
    place = chance.randrange(len(data))
    piece = data[place : place + chance.randint(1, 4096)]
    data[place:place] = piece * chance.randint(1, 16)
    return data


_MUTATIONS: tuple[Mutation, ...] = (_flip, _flip, _set, _number, _cut, _drop, _repeat)
