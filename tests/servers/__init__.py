"""Real servers for the tests: private, on free ports or sockets, gone with the process that asked.

Each module says where its server's program comes from; `programs` provides those that come from the
system, and `plugin` starts the servers for pytest.
"""
