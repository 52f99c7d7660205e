"""What is seen from outside: metrics, traces, ids that follow a request into its tasks."""
