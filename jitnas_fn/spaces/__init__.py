"""Search spaces, one file each: a point stands for a network, and no file here needs torch."""
