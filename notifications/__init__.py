"""Telling others: picture events to browsers, logouts to services, both from tables.

Leaves deciding what happened to the packages it listens to.
"""
