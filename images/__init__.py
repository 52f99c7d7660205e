"""The pictures a user owns: who may see one, where bytes live, links, what a browser opens.

Leaves smaller copies to `thumbnails` and telling anyone to `notifications`.
"""
