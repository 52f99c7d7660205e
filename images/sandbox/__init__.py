"""Processes without secrets, network or files, in which strangers' pictures are decoded."""
