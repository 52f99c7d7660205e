"""How the service is, as staff see it: counts of each day, and the pages that show them."""
