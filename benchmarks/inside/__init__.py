"""What requests cost in the web process alone: its application is called without a server."""
