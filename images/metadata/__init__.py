"""Lossless removal of metadata: a module for each kind of structure. Sandbox only."""
