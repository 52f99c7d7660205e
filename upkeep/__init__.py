"""Rows and files kept true to each other: verified, mended, moved, backed up and restored.

Leaves what a row or a file means to `images` and `thumbnails`, and when to run to people.
"""
