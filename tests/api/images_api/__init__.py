"""Tests of `api.images_api`."""
