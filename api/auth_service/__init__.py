"""The auth service: `/auth/…`, in Spanish on the wire."""
