"""The engine that DATABASES names; Django looks for it under this module name."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Looks at the socket where Django would send a query before each request's first one."""

    def is_usable(self) -> bool:
        """Tell whether the connection stands; after an error the server itself is asked.

        Between requests PostgreSQL has nothing to say but that it goes: a socket with something to
        read has ended, or says something that a fresh connection need not hear.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred:
            return bool(super().is_usable())
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
