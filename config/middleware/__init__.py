"""What wraps every request: its id, its size, its metrics, security headers."""
