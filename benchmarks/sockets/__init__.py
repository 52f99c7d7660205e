"""A thousand open sockets: what an idle one costs, and how soon each hears of a commit."""
