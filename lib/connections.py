"""Database connections outside of Django's requests: checked before their use, given back after."""

from types import TracebackType

from django.db import close_old_connections


class UseConnections:
    """Does around a block what Django does around a request."""

    def __enter__(self) -> None:
        close_old_connections()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        close_old_connections()


use_connections = UseConnections()
