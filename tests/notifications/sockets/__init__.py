"""Tests of `notifications.sockets`."""
