"""The pictures a user owns: who may see them, where their bytes are stored, expiring links.

Leaves smaller copies to `thumbnails`, serving bytes to `delivery`, events to `notifications`.
"""
