"""Tests of `images.formats`."""
