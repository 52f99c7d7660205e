"""Lossless removal of what a picture tells beside its pixels: one module for each format."""
