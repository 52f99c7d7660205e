"""Uploads through a whole deployment, until their thumbnails are ready."""
