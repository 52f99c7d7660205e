"""A thousand open sockets: memory of an idle one, and the delay from commit to receipt."""
