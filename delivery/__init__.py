"""Which bytes are served to whom, and how: signed URLs, links, avatars, stripped copies.

Leaves the decision who may see a picture to `images.access`.
"""
