"""Tests of `api.image_service`."""
