"""What a process has one of, whoever of its threads asks first.

`functools.cache` calls a function twice when two threads ask at once, and keeps the later result:
the former is in use by then, and of two clients or locks each of which should be the only one.
"""

import os
import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar
from weakref import WeakSet

P = ParamSpec("P")
T = TypeVar("T")


class made_once(Generic[P, T]):  # noqa: N801 (a decorator)
    """Have a function called once for the same arguments; others who ask wait for its result.

    Arguments are hashable and given by position. An exception is not kept: the next caller tries.
    A forked process inherits what was made.
    """

    __wrapped__: Callable[P, T]

    def __init__(self, make: Callable[P, T]) -> None:
        self._make = make
        self._made: dict[tuple[object, ...], T] = {}
        self._renew_lock()
        _all.add(self)
        update_wrapper(self, make)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        if kwargs:
            raise TypeError("Arguments are given by position.")
        try:
            return self._made[args]
        except KeyError:
            pass
        with self._lock:
            if args not in self._made:
                self._made[args] = self._make(*args, **kwargs)
            return self._made[args]

    def cache_clear(self) -> None:
        """Forget what was made, as `functools.cache` does."""
        self._made.clear()

    def _renew_lock(self) -> None:
        # One thread may need what it is just making for something else: by other arguments.
        self._lock = threading.RLock()


_all: WeakSet["made_once[Any, Any]"] = WeakSet()


def _renew_locks() -> None:
    """In a forked process nobody would release what a thread of its parent has held."""
    for each in list(_all):
        each._renew_lock()


os.register_at_fork(after_in_child=_renew_locks)
