"""Settings by which background work survives the death of a worker or a broker."""

from config.env.readers import env_int

# A worker renews its lease on a picture while it renders. A worker whose lease has run out is
# taken for dead, and its picture is enqueued again.
RENDER_LEASE_SECONDS = env_int("RENDER_LEASE_SECONDS", 15, min=1, max=3600)
# The scheduler keeps one connection; after the broker was away, only a retry opens another.
PUBLISH_WITH_RETRY = {"retry": True, "retry_policy": {"max_retries": 3}}
