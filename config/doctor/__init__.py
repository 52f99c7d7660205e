"""Examines a running deployment as its users meet it, and says how to mend what is wrong."""
