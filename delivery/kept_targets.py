"""What links lead to, kept by each process for a second, and no longer than it is true.

Whatever ends a link announces a change of its owner's account (`images.changes`), which is heard
before each use. The second holds also where nothing is heard: an account that was changed past our
services, a Redis that lost its way.
"""

import time
from threading import Lock

from delivery.link_targets import LinkTarget
from images.changes import EVERYBODY, ChangeListener

KEPT_SECONDS = 1.0
# Of one second; beyond them nothing more is kept.
MAX_KEPT = 10_000


class KeptTargets:
    """Targets by their links; `begin` before each use, `keep` after what was read meanwhile."""

    def __init__(self, listener: ChangeListener | None = None) -> None:
        self._listener = listener or ChangeListener()
        self._lock = Lock()
        self._kept: dict[int, tuple[float, LinkTarget]] = {}
        self._by_owner: dict[str, set[int]] = {}
        # Counts what was heard: what was read before the last of it may be outdated.
        self._heard = 0
        self._is_listening = False

    def begin(self) -> int:
        """Drop what has changed; return what `keep` asks for."""
        heard = self._listener.poll()
        with self._lock:
            if heard is None:
                self._is_listening = False
                self._drop_all()
            else:
                self._is_listening = True
                if heard:
                    self._drop(heard)
            return self._heard

    def get(self, link_id: int) -> LinkTarget | None:
        """Return what a link led to within the last second."""
        found = self._kept.get(link_id)
        if found is None or time.monotonic() - found[0] >= KEPT_SECONDS:
            return None
        return found[1]

    def keep(self, target: LinkTarget, *, begun: int, read_at: float) -> None:
        """Keep what was read after `begin` returned `begun`; `read_at` is from before the query."""
        with self._lock:
            if begun != self._heard or not self._is_listening:
                return
            if len(self._kept) >= MAX_KEPT:
                self._drop_past()
            if len(self._kept) < MAX_KEPT:
                self._kept[target.link_id] = (read_at, target)
                self._by_owner.setdefault(str(target.owner_id), set()).add(target.link_id)

    def _drop(self, heard: set[str]) -> None:
        self._heard += 1
        if EVERYBODY in heard:
            self._drop_all()
        for owner_id in heard:
            for link_id in self._by_owner.pop(owner_id, ()):
                self._kept.pop(link_id, None)

    def _drop_all(self) -> None:
        self._heard += 1
        self._kept.clear()
        self._by_owner.clear()

    def _drop_past(self) -> None:
        limit = time.monotonic() - KEPT_SECONDS
        past = [link_id for link_id, (read_at, _) in self._kept.items() if read_at <= limit]
        for link_id in past:
            _, target = self._kept.pop(link_id)
            owned = self._by_owner.get(str(target.owner_id), set())
            owned.discard(link_id)
            if not owned:
                self._by_owner.pop(str(target.owner_id), None)
