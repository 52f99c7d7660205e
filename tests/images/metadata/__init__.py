"""Tests of `images.metadata`."""
