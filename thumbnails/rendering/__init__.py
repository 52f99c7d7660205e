"""From a picture to smaller files of it: pure functions on paths. Sandbox only."""
