"""Tests of `thumbnails.rendering`."""
