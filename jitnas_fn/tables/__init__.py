"""Published tables of trained networks, one file each: what their columns mean."""
