"""Tests of `images.storage`."""
