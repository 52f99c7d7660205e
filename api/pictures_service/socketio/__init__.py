"""Events at `/socket.io/`: sockets that a write of this contract binds to its session."""
