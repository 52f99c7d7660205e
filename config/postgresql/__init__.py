"""Django's PostgreSQL, asking less often whether a connection still stands."""
