"""How work behind the answer outlives what dies."""

from config.env.readers import env_int

# A worker says so often that it still renders a picture; one that says nothing for so long is dead,
# and its picture is asked for again.
RENDER_LEASE_SECONDS = env_int("RENDER_LEASE_SECONDS", 15, least=1, most=3600)
# The scheduler keeps one connection; after the broker was away, only a retry makes another.
RECONNECT = {"retry": True, "retry_policy": {"max_retries": 3}}
