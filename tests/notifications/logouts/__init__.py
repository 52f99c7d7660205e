"""Tests of `notifications.logouts`."""
