"""Ways to search, one file each: what to evaluate next, by what was measured so far."""
