"""Places where tasks run: each file makes a concurrent.futures.Executor."""
