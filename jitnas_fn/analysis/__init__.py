"""What numbers of searches and records come to: pure functions, without files and without drawings."""
