pytest_plugins = ["tests.fixtures", "tests.storages"]
