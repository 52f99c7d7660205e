"""The parts of the settings that come from the environment or are too long for one file."""
