"""Tests of `thumbnails`."""
