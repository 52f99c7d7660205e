"""Which bytes leave, for whom, and how: signed URLs, links, avatars, stripped copies.

Decides nothing about who may see a picture; `images.access` does.
"""
