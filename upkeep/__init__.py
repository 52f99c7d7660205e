"""Rows, files and the ledger kept true to each other; moved, backed up and restored.

Leaves what a row or a file means to `images` and `thumbnails`, and when to run to people.
"""
