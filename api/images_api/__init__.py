"""The images API: `/api/registration`, `/api/login`, `/api/me`, `/api/images…`."""
