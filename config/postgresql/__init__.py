"""Django's PostgreSQL backend with a cheaper check of the connection before each request."""
