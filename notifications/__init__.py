"""Notifications from tables: picture events to browsers, logouts to other services.

What happened is decided by the packages whose signals `receivers` handles.
"""
