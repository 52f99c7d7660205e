"""Tests of `api.auth_service`."""
