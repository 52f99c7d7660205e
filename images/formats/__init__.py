"""What an uploaded file is: told from its content, within limits, and verified to be whole."""
