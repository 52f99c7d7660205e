"""`manage.py doctor`: uses a running deployment as a client does, and says how to repair it."""
