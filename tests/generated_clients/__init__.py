"""Programs that do the main job by generated clients; `test_clients` runs them."""
