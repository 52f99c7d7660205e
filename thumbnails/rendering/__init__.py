"""From a picture to smaller files of it: pure functions on bytes. Sandbox only."""
