"""Tests of `images.sandbox`."""
