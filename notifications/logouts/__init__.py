"""Logouts to and from other services: the outbox relay, the broker, the listener."""
