"""What wraps every request: its id, its size, its metrics, other origins, security headers."""
