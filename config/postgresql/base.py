"""The engine that DATABASES names; Django looks for it under this module name."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks a connection by its socket, where Django would send a query before each request."""

    def is_usable(self) -> bool:
        """Tell whether the connection is open; after an error the server itself is asked.

        Between requests PostgreSQL sends nothing but that it closes the connection, so a socket
        with something to read is closed, or holds a message that a new connection does not need.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred:
            return bool(super().is_usable())
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
