"""What dies, comes back, and loses nothing: real processes, pictures counted in and out."""
